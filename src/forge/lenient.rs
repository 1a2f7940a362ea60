//! Reading other people's JSON: what is there and well-formed is taken, anything else is as if it were absent.
//!
//! A forge adds fields, drops them, and turns numbers into strings; none of it may stop an event that
//! does not depend on the field. [`Maybe`] takes a value of the wrong type for none at all. It reads in one
//! pass, without a tree in between: texts are borrowed from the body, what is not asked for is skipped
//! however deep it is nested.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use jiff::Timestamp;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::NormaliseError;

/// A value that was there and of the right type, or nothing.
#[derive(Debug, Clone)]
pub(super) struct Maybe<T>(Option<T>);

/// A text.
pub(super) type Text<'a> = Maybe<Cow<'a, str>>;

/// How a type is read from whatever JSON has in its place. What is not overridden is not accepted.
pub(super) trait FromJson<'de>: Sized {
    /// From `"…"`.
    fn text(_: Cow<'de, str>) -> Option<Self> {
        None
    }
    /// From a whole number that is not negative.
    fn number(_: u64) -> Option<Self> {
        None
    }
    /// From `true` or `false`.
    fn flag(_: bool) -> Option<Self> {
        None
    }
    /// From `{…}`, which must be read to its end.
    fn object<A: MapAccess<'de>>(mut map: A) -> Result<Option<Self>, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
    /// From `[…]`, which must be read to its end.
    fn list<A: SeqAccess<'de>>(mut items: A) -> Result<Option<Self>, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

/// Reads the whole of `json`.
pub(super) fn parse<'de, T: FromJson<'de>>(json: &'de str) -> Result<Option<T>, NormaliseError> {
    match serde_json::from_str::<Maybe<T>>(json) {
        Ok(Maybe(value)) => Ok(value),
        // It may be good JSON all the same, say with a field twice; that is not the sender's encoding.
        Err(error) => match serde_json::from_str::<IgnoredAny>(json) {
            Ok(_) => Err(NormaliseError::NotNormalisable(format!("the payload cannot be read: {error}"))),
            Err(error) => Err(NormaliseError::Unreadable(format!("not JSON: {error}"))),
        },
    }
}

impl<T> Default for Maybe<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T> Deref for Maybe<T> {
    type Target = Option<T>;

    fn deref(&self) -> &Option<T> {
        &self.0
    }
}

impl Text<'_> {
    /// The text; empty when there is none.
    pub(super) fn str(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }

    /// A copy of the text; empty when there is none.
    pub(super) fn owned(&self) -> String {
        self.str().to_owned()
    }
}

impl<'de: 'a, 'a> FromJson<'de> for Cow<'a, str> {
    fn text(text: Cow<'de, str>) -> Option<Self> {
        Some(text)
    }
}

impl FromJson<'_> for bool {
    fn flag(flag: bool) -> Option<Self> {
        Some(flag)
    }
}

impl<'de> FromJson<'de> for u64 {
    fn number(number: u64) -> Option<Self> {
        Some(number)
    }

    fn text(text: Cow<'de, str>) -> Option<Self> {
        text.parse().ok()
    }
}

/// An identifier, a number to some and a text to others.
#[derive(Debug, Clone)]
pub(super) struct Id(pub(super) String);

impl<'de> FromJson<'de> for Id {
    fn number(number: u64) -> Option<Self> {
        Some(Self(number.to_string()))
    }

    fn text(text: Cow<'de, str>) -> Option<Self> {
        (!text.is_empty()).then(|| Self(text.into_owned()))
    }
}

/// A point in time: RFC 3339, or seconds since 1970.
impl<'de> FromJson<'de> for Timestamp {
    fn number(seconds: u64) -> Option<Self> {
        Self::from_second(seconds.try_into().ok()?).ok()
    }

    fn text(text: Cow<'de, str>) -> Option<Self> {
        let seconds = || Self::number(text.parse().ok()?);
        text.parse().ok().or_else(seconds)
    }
}

/// The well-formed items; the others are left out.
impl<'de, T: FromJson<'de>> FromJson<'de> for Vec<T> {
    fn list<A: SeqAccess<'de>>(mut items: A) -> Result<Option<Self>, A::Error> {
        let mut list = Self::new();
        while let Some(Maybe(item)) = items.next_element::<Maybe<T>>()? {
            list.extend(item);
        }
        Ok(Some(list))
    }
}

/// Lets structs that derive `Deserialize` be read from an object, and from nothing else.
macro_rules! objects {
    ($($name:ident),* $(,)?) => {$(
        impl<'de: 'a, 'a> $crate::forge::lenient::FromJson<'de> for $name<'a> {
            fn object<A: serde::de::MapAccess<'de>>(map: A) -> Result<Option<Self>, A::Error> {
                serde::Deserialize::deserialize(serde::de::value::MapAccessDeserializer::new(map)).map(Some)
            }
        }
    )*};
}
pub(super) use objects;

impl<'de, T: FromJson<'de>> Deserialize<'de> for Maybe<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Anything(PhantomData)).map(Self)
    }
}

/// Accepts every type JSON has, and asks `T` what to make of it.
struct Anything<T>(PhantomData<T>);

impl<'de, T: FromJson<'de>> Visitor<'de> for Anything<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(T::text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(T::text(Cow::Owned(text.to_owned())))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(T::number(number))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Self::Value, E> {
        Ok(T::flag(flag))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        T::object(map)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
        T::list(items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<'de, T: FromJson<'de>>(json: &'de str) -> Option<T> {
        parse(json).unwrap()
    }

    #[test]
    fn a_value_of_the_wrong_type_is_as_good_as_absent() {
        for json in ["null", "[1, {}]", "{\"a\": [1]}", "1.5", "-3", "[]"] {
            assert_eq!(read::<Cow<'_, str>>(json), None, "{json}");
            assert_eq!(read::<bool>(json), None, "{json}");
            assert_eq!(read::<u64>(json), None, "{json}");
            assert_eq!(read::<Timestamp>(json), None, "{json}");
        }
        assert_eq!(read::<Vec<u64>>("[1, \"2\", null, [3], 4]"), Some(vec![1, 2, 4]));
    }

    #[test]
    fn a_time_may_be_a_number_or_a_text() {
        let at: Timestamp = "2026-11-02T09:30:00Z".parse().unwrap();
        for json in
            ["1793611800", "\"1793611800\"", "\"2026-11-02T09:30:00Z\"", "\"2026-11-02T10:30:00+01:00\""]
        {
            assert_eq!(read::<Timestamp>(json), Some(at), "{json}");
        }
        assert_eq!(read::<Timestamp>("\"last Tuesday\""), None);
        assert_eq!(read::<Timestamp>("18446744073709551615"), None);
    }

    #[test]
    fn texts_are_borrowed_where_the_body_holds_them_as_they_are() {
        assert!(matches!(read::<Cow<'_, str>>("\"plain\""), Some(Cow::Borrowed("plain"))));
        assert_eq!(read::<Cow<'_, str>>("\"a\\nb\""), Some(Cow::Borrowed("a\nb")));
    }

    #[test]
    fn depth_is_no_trouble_where_nobody_looks() {
        let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
        assert_eq!(read::<u64>(&deep), None);
        assert!(matches!(parse::<u64>(&deep[..300_000]), Err(NormaliseError::Unreadable(_))));
    }
}
