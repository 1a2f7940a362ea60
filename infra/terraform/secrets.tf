# What Conduit must be told and nobody else may know. The master key and the administrator's token are made while
# Terraform runs and written straight into Secrets Manager: neither the state nor a plan holds them. The store's password
# does stand in the state, because ElastiCache's user has no write-only argument: keep the state encrypted.

# 32 bytes, of letters and digits: 190 bits of chance.
ephemeral "random_password" "secret_key" {
  length  = 32
  special = false
}

ephemeral "random_password" "admin_token" {
  length  = 64
  special = false
}

resource "aws_secretsmanager_secret" "secret_key" {
  #checkov:skip=CKV2_AWS_57:A new key alone would make every stored secret unreadable; how to change it is in docs/operating.md
  name                    = "${var.name}/secret-key"
  description             = "Encrypts the hooks' secrets in the store. Without it they are lost"
  kms_key_id              = aws_kms_key.this.arn
  recovery_window_in_days = 30
}

# The version stays 1: Conduit refuses to start with another key.
resource "aws_secretsmanager_secret_version" "secret_key" {
  secret_id                = aws_secretsmanager_secret.secret_key.id
  secret_string_wo         = base64encode(ephemeral.random_password.secret_key.result)
  secret_string_wo_version = 1
}

resource "aws_secretsmanager_secret" "admin_token" {
  #checkov:skip=CKV2_AWS_57:Rotated by raising admin_token_version; people hold this token, and no function could tell them
  name                    = "${var.name}/admin-token"
  description             = "The first administrator's token"
  kms_key_id              = aws_kms_key.this.arn
  recovery_window_in_days = 7
}

resource "aws_secretsmanager_secret_version" "admin_token" {
  secret_id                = aws_secretsmanager_secret.admin_token.id
  secret_string_wo         = ephemeral.random_password.admin_token.result
  secret_string_wo_version = var.admin_token_version
}

resource "aws_secretsmanager_secret" "store_url" {
  #checkov:skip=CKV2_AWS_57:Replaced together with the store's user: terraform apply -replace=random_password.store
  name                    = "${var.name}/store-url"
  description             = "The store's address, with its user and password"
  kms_key_id              = aws_kms_key.this.arn
  recovery_window_in_days = 7
}

resource "aws_secretsmanager_secret_version" "store_url" {
  secret_id = aws_secretsmanager_secret.store_url.id
  secret_string = format(
    "rediss://%s:%s@%s:%d/0%s",
    aws_elasticache_user.conduit.user_name,
    random_password.store.result,
    aws_elasticache_replication_group.store.primary_endpoint_address,
    local.store_port,
    var.store_wait > 0 ? "?wait=${var.store_wait}" : "",
  )
}
