# The smallest there is, to try it out and throw it away: one NAT gateway, one task of each sort, a certificate of your own.

terraform {
  required_version = ">= 1.11.0, < 2.0.0"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.25"
    }
  }
}

provider "aws" {
  region = "eu-central-1"
}

module "conduit" {
  source = "../.."

  availability_zones = ["eu-central-1a", "eu-central-1b"]

  name            = "conduit-trial"
  image           = "registry.example.com/conduit:0.1.0"
  domain_name     = "conduit-trial.example.com"
  certificate_arn = "arn:aws:acm:eu-central-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"
  admin_cidrs     = ["198.51.100.7/32"]

  jira_url         = "https://jira.example.com"
  jira_secret_arn  = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:conduit-jira-AbCdEf"
  jira_secret_keys = ["ATLASSIAN_TOKEN"]

  web_tasks           = { min = 1, max = 2 }
  worker_tasks        = { min = 1, max = 2 }
  task_size           = { cpu = 256, memory = 512 }
  store_node_type     = "cache.t4g.micro"
  single_nat_gateway  = true
  log_retention_days  = 30
  deletion_protection = false
}

output "load_balancer" {
  value = module.conduit.load_balancer
}

output "webhook_url" {
  value = module.conduit.webhook_url
}
