//! Whatever the board, what is begun from it is sound, and fits it.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::subsequence;

use super::begin;
use crate::app::board::{Board, BoardType, Offer};
use crate::jira::{BoardStatus, Category, Named, RequiredField, Transition};

const NAMES: [&str; 7] = ["To Do", "In Progress", "\"QA\" ${x}", "進行中", "À faire", "🚀", "Done"];
const WAYS: [&str; 4] = ["Start", "Ship", "Done", "進行中"];

fn category() -> impl Strategy<Value = Category> {
    prop_oneof![Just(Category::New), Just(Category::Indeterminate), Just(Category::Done)]
}

/// A transition to one of these statuses; some ask for a field, with or without values to choose from.
fn transition(to: Vec<String>) -> impl Strategy<Value = Transition> {
    let field = |(has_default, allowed): (bool, Vec<&str>)| RequiredField {
        id: "resolution".into(),
        name: "Resolution".into(),
        has_default,
        allowed: allowed.into_iter().map(str::to_owned).collect(),
    };
    let field = (any::<bool>(), subsequence(vec!["Fixed", "Done \"as is\""], 0..=2)).prop_map(field);
    let required = proptest::option::weighted(0.3, field);
    let parts =
        (1..99_u8, 0..WAYS.len(), proptest::sample::select(to), required, proptest::bool::weighted(0.8));
    parts.prop_map(|(id, way, to, required, available)| Transition {
        id: id.to_string(),
        name: WAYS[way].to_owned(),
        to: Named { id: to.clone(), name: to },
        required: required.into_iter().collect(),
        screen_fields: BTreeMap::new(),
        has_screen: false,
        available,
    })
}

/// An issue type with some of these statuses, and tickets in some of those.
fn issue_type(name: &'static str, statuses: Vec<BoardStatus>) -> impl Strategy<Value = BoardType> {
    let count = statuses.len();
    subsequence(statuses, 1..=count).prop_flat_map(move |statuses| {
        let names: Vec<String> = statuses.iter().map(|status| status.name.clone()).collect();
        let offer = proptest::collection::vec(transition(names.clone()), 0..5)
            .prop_map(|transitions| Offer { ticket: "SHOP-1".into(), transitions });
        let offers =
            proptest::collection::btree_map(proptest::sample::select(names), offer, 0..=statuses.len());
        offers.prop_map(move |offers| BoardType {
            name: name.to_owned(),
            subtask: false,
            statuses: statuses.clone(),
            offers,
        })
    })
}

fn board() -> impl Strategy<Value = Board> {
    let statuses = subsequence(NAMES.to_vec(), 1..=NAMES.len()).prop_flat_map(|names| {
        let kinds = proptest::collection::vec(category(), names.len());
        kinds.prop_map(move |kinds| {
            let status = |(name, category): (&&str, Category)| BoardStatus {
                id: (*name).to_owned(),
                name: (*name).to_owned(),
                category,
            };
            names.iter().zip(kinds).map(status).collect::<Vec<_>>()
        })
    });
    let types = statuses.prop_flat_map(|all| (issue_type("Story", all.clone()), issue_type("Bug", all)));
    types.prop_map(|(story, bug)| Board {
        project: "SHOP".into(),
        types: vec![story, bug],
        ..Board::default()
    })
}

proptest! {
    #[test]
    fn what_is_begun_from_a_board_is_sound_and_fits_it(board in board()) {
        let begun = begin(&board).map_err(|error| TestCaseError::fail(error.to_string()))?;
        let misfits: Vec<_> = begun.guesses.iter().filter(|guess| guess.starts_with("D3")).collect();
        prop_assert!(misfits.is_empty(), "{misfits:?}\n{}", begun.text);
    }
}
