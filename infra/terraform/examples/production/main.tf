# Conduit for a company: two zones, a NAT gateway in each, deliveries from GitHub's addresses alone, alarms to a topic.

terraform {
  required_version = ">= 1.11.0, < 2.0.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.25"
    }
  }

  # The store's password is in the state: an encrypted bucket that few may read, and its own lock.
  backend "s3" {
    bucket       = "example-terraform-state"
    key          = "conduit/terraform.tfstate"
    region       = "eu-central-1"
    encrypt      = true
    use_lockfile = true
  }
}

provider "aws" {
  region = "eu-central-1"

  default_tags {
    tags = { service = "conduit" }
  }
}

module "conduit" {
  source = "../.."

  image              = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/conduit:0.1.0-rules-7"
  ecr_repository_arn = "arn:aws:ecr:eu-central-1:123456789012:repository/conduit"

  availability_zones = ["eu-central-1a", "eu-central-1b"]

  domain_name = "conduit.example.com"
  zone_id     = "Z0123456789EXAMPLE"

  # `hooks` at https://api.github.com/meta. They change: look again when deliveries stay away.
  webhook_cidrs = ["192.30.252.0/22", "185.199.108.0/22", "140.82.112.0/20", "143.55.64.0/20"]
  admin_cidrs   = ["198.51.100.0/24"]

  jira_url        = "https://example.atlassian.net"
  jira_secret_arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:conduit-jira-AbCdEf"

  store_node_type  = "cache.m7g.large"
  store_replicas   = 2
  store_wait       = 1
  alarm_topic_arns = ["arn:aws:sns:eu-central-1:123456789012:on-call"]
}

output "webhook_url" {
  value = module.conduit.webhook_url
}

output "admin_token_command" {
  value = module.conduit.admin_token_command
}

output "nat_addresses" {
  value = module.conduit.nat_addresses
}
