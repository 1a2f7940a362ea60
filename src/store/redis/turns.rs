//! Which partitions are asked, in which order, and for how much.

use std::sync::atomic::Ordering;

use super::RedisStore;
use super::keys::Home;
use crate::store::Result;

impl RedisStore {
    /// The partitions in which one of the keys exists. Each time another one comes first, so that none starves
    /// behind one that always has enough.
    pub(super) async fn turn(&self, mut homes: Vec<Home>, names: &[&str]) -> Result<Vec<Home>> {
        // The only one is asked at once.
        if homes.len() > 1 {
            homes = self.link.occupied(&homes, names).await?;
            let first = self.next_turn.fetch_add(1, Ordering::Relaxed).checked_rem(homes.len());
            homes.rotate_left(first.unwrap_or(0));
        }
        Ok(homes)
    }
}

/// How much of `most` each of the partitions is asked for, the first ones more when it does not come out even;
/// those at the end nothing when there are more of them than is wanted.
pub(super) fn shares(most: usize, homes: &[Home]) -> Vec<(Home, usize)> {
    let asked = homes.len().min(most);
    let (each, over) = (most.checked_div(asked).unwrap_or(0), most.checked_rem(asked).unwrap_or(0));
    let share = |(place, home): (usize, &Home)| (*home, each + usize::from(place < over));
    homes.iter().take(asked).enumerate().map(share).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wanted_is_shared_out_among_the_partitions() {
        let homes: Vec<Home> = (0..3).map(Home::Jobs).collect();
        let numbers = |most| shares(most, &homes).into_iter().map(|(_, share)| share).collect::<Vec<_>>();
        assert_eq!(numbers(7), [3, 2, 2]);
        assert_eq!(numbers(2), [1, 1]);
        assert_eq!(numbers(0), [0; 0]);
        assert!(shares(5, &[]).is_empty());
    }
}
