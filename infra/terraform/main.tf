# Conduit on AWS. Web tasks take deliveries in behind a load balancer with TLS, workers move tickets, and both share one
# Valkey. One file a concern; README.md says what is promised and what is not.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition
  region    = data.aws_region.current.region

  public_url = "https://${var.domain_name}"

  # The ports of the image, and of the store.
  http_port  = 9091
  store_port = 6379
}
