//! A real Redis Cluster on loopback: three masters, each with a third of the slots, and replicas where a test asks.

use std::time::Duration;

use super::redis::{Redis, free_port};

/// The slots of each of the masters.
const SLOTS: [(u16, u16); 3] = [(0, 5460), (5461, 10922), (10923, 16383)];

/// Some nodes that know each other; they end with it.
pub(crate) struct Cluster {
    /// The three masters, then the replicas.
    pub(crate) nodes: Vec<Redis>,
    bus: Vec<u16>,
}

impl Cluster {
    /// Three masters.
    pub(crate) async fn start() -> Self {
        let mut cluster = Self { nodes: Vec::new(), bus: Vec::new() };
        for (number, (first, last)) in (1..).zip(SLOTS) {
            let node = cluster.add_node().await;
            node.run::<()>(&["CLUSTER", "SET-CONFIG-EPOCH", &format!("{number}")]).await;
            node.run::<()>(&["CLUSTER", "ADDSLOTSRANGE", &first.to_string(), &last.to_string()]).await;
        }
        cluster.introduce().await;
        cluster.settles().await;
        cluster
    }

    /// Gives each of the first masters a replica.
    pub(crate) async fn with_replicas(mut self, replicas: usize) -> Self {
        for _ in 0..replicas {
            self.add_node().await;
        }
        self.introduce().await;
        for number in 0..replicas {
            let master: String = self.nodes[number].run(&["CLUSTER", "MYID"]).await;
            let replica = &self.nodes[SLOTS.len() + number];
            // It must have heard of its master before.
            until(async || replica.run::<String>(&["CLUSTER", "NODES"]).await.contains(&master)).await;
            replica.run::<()>(&["CLUSTER", "REPLICATE", &master]).await;
            until(async || is_in_step(replica).await).await;
        }
        self.settles().await;
        self
    }

    /// The address of the store; some of its nodes are enough.
    pub(crate) fn url(&self) -> String {
        let nodes: Vec<String> = self.nodes.iter().map(|node| format!("127.0.0.1:{}", node.port())).collect();
        format!("redis+cluster://{}", nodes.join(","))
    }

    /// Until all nodes agree that all slots are served.
    pub(crate) async fn settles(&self) {
        let known = format!("cluster_known_nodes:{}\r", self.nodes.len());
        for node in &self.nodes {
            until(async || {
                let info: String = node.run(&["CLUSTER", "INFO"]).await;
                info.contains("cluster_state:ok") && info.contains(&known)
            })
            .await;
        }
    }

    /// Writes down with how many partitions the store was created.
    pub(crate) async fn create_with_partitions(&self, partitions: u16) {
        let mut create = redis::cmd("HSET");
        create.arg("conduit:{cfg}:settings").arg("partitions").arg(partitions);
        let mut taken = false;
        for node in &self.nodes {
            taken |= create.exec_async(&mut node.connect().await).await.is_ok();
        }
        assert!(taken, "no node serves the slot of the settings");
    }

    /// Empties it.
    pub(crate) async fn flush(&self) {
        for node in &self.nodes {
            node.run::<()>(&["FLUSHALL"]).await;
        }
    }

    async fn add_node(&mut self) -> &Redis {
        let bus = free_port();
        // A busy disk holds back what `everysec` would have written, and a node that is killed loses it.
        let options =
            ["--appendfsync", "always", "--cluster-enabled", "yes", "--cluster-node-timeout", "1000"];
        let own = ["--cluster-require-full-coverage", "no", "--cluster-port", &bus.to_string()];
        self.nodes.push(Redis::start_with(&[&options[..], &own[..]].concat()).await);
        self.bus.push(bus);
        self.nodes.last().unwrap()
    }

    /// Tells the first node of all others; gossip does the rest.
    async fn introduce(&self) {
        for (node, bus) in self.nodes.iter().zip(&self.bus).skip(1) {
            let (port, bus) = (node.port().to_string(), bus.to_string());
            self.nodes[0].run::<()>(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]).await;
        }
    }
}

/// Whether a replica has all that its master has.
pub(crate) async fn is_in_step(replica: &Redis) -> bool {
    replica.run::<String>(&["INFO", "replication"]).await.contains("master_link_status:up")
}

/// Waits for a condition; servers need a moment to find each other.
pub(crate) async fn until(holds: impl AsyncFn() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(2), waiting).await.expect("it comes true");
}
