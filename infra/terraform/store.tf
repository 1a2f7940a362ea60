# Valkey with TLS, a user of its own, and a replica in another zone that takes over by itself.
#
# What a 202 is worth here: ElastiCache keeps no append-only file on current engines, and replicates after it has answered.
# A failover can lose what was acknowledged within the replication lag (milliseconds as a rule; store_wait closes that gap), and
# the loss of every node at once loses all that waits since the last snapshot. Conduit says so at its start. MemoryDB, which keeps a durable log,
# speaks the cluster protocol alone; where a lost delivery is worse than the work, run Redis with `appendfsync always` on
# EBS and give Conduit its address. README.md tells more.

resource "aws_elasticache_subnet_group" "store" {
  name        = var.name
  description = "The store of ${var.name}"
  subnet_ids  = [for subnet in aws_subnet.private : subnet.id]
}

# Conduit refuses to start on a store that may forget: a full one has to refuse new deliveries.
resource "aws_elasticache_parameter_group" "store" {
  name        = var.name
  description = "Never evict"
  family      = "valkey8"

  parameter {
    name  = "maxmemory-policy"
    value = "noeviction"
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "random_password" "store" {
  length  = 64
  special = false
}

# What Conduit uses, on its own keys: no FLUSHALL, no KEYS, no CONFIG SET. INFO tells it whether the store is fit.
resource "aws_elasticache_user" "conduit" {
  user_id       = var.name
  user_name     = "conduit"
  engine        = "valkey"
  access_string = "on ~conduit:* &* +@all -@admin -@dangerous +info"

  authentication_mode {
    type      = "password"
    passwords = [random_password.store.result]
  }
}

resource "aws_elasticache_user_group" "store" {
  user_group_id = var.name
  engine        = "valkey"
  user_ids      = [aws_elasticache_user.conduit.user_id]
}

resource "aws_elasticache_replication_group" "store" {
  #checkov:skip=CKV_AWS_31:Access is by a user of the user group, whose password is in Secrets Manager, not by one token for all
  replication_group_id = var.name
  description          = "The store of ${var.name}"

  engine               = "valkey"
  engine_version       = "8.0"
  node_type            = var.store_node_type
  parameter_group_name = aws_elasticache_parameter_group.store.name
  port                 = local.store_port

  # One primary: Conduit orders a ticket's events in one place.
  num_cache_clusters         = 1 + var.store_replicas
  automatic_failover_enabled = true
  multi_az_enabled           = true
  subnet_group_name          = aws_elasticache_subnet_group.store.name
  security_group_ids         = [aws_security_group.store.id]

  transit_encryption_enabled = true
  transit_encryption_mode    = "required"
  at_rest_encryption_enabled = true
  kms_key_id                 = aws_kms_key.this.arn
  user_group_ids             = [aws_elasticache_user_group.store.user_group_id]

  snapshot_retention_limit   = 7
  snapshot_window            = "02:00-03:00"
  maintenance_window         = "sun:03:30-sun:04:30"
  auto_minor_version_upgrade = true
  apply_immediately          = false
  final_snapshot_identifier  = var.deletion_protection ? "${var.name}-last" : null

  log_delivery_configuration {
    destination      = aws_cloudwatch_log_group.store.name
    destination_type = "cloudwatch-logs"
    log_format       = "json"
    log_type         = "slow-log"
  }
}
