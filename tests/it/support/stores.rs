//! Stories that are told on each store.

/// Makes a test on SQLite and one on Redis of each `async fn story(on: On<'_>)`.
macro_rules! on_both_stores {
    ($($story:ident)*) => {$(
        mod $story {
            use crate::support::redis::Redis;
            use crate::support::service::On;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_sqlite() {
                super::$story(On::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_redis() {
                let redis = Redis::start().await;
                super::$story(On::Redis(&redis)).await;
            }
        }
    )*};
}

pub(crate) use on_both_stores;
