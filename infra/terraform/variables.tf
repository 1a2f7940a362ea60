variable "name" {
  description = "Names everything that is made; one for each installation in an account and region."
  type        = string
  default     = "conduit"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,19}$", var.name))
    error_message = "Lower-case letters, digits and hyphens, beginning with a letter, 2 to 20 characters."
  }
}

variable "image" {
  description = "The image to run, with your rules in /config: an image FROM conduit that copies them in. A tag or digest that never changes."
  type        = string

  validation {
    condition     = can(regex("(:[^:/]+|@sha256:[0-9a-f]{64})$", var.image)) && !endswith(var.image, ":latest")
    error_message = "Name a tag other than latest, or a digest: what runs must be what was looked at."
  }
}

variable "ecr_repository_arn" {
  description = "The ECR repository that holds the image; null when it is in a registry that asks for no login."
  type        = string
  default     = null

  validation {
    condition     = var.ecr_repository_arn == null || can(regex("^arn:[^:]+:ecr:[^:]+:[0-9]{12}:repository/.+$", var.ecr_repository_arn))
    error_message = "The ARN of an ECR repository."
  }
}

variable "cpu_architecture" {
  description = "What the image was built for."
  type        = string
  default     = "X86_64"

  validation {
    condition     = contains(["X86_64", "ARM64"], var.cpu_architecture)
    error_message = "X86_64 or ARM64."
  }
}

# Where it is reached.

variable "domain_name" {
  description = "The host that the forge calls, such as conduit.example.com."
  type        = string

  validation {
    condition     = can(regex("^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\\.)+[a-z]{2,}$", var.domain_name))
    error_message = "A host name in lower case, without a scheme or a path."
  }
}

variable "zone_id" {
  description = "The public Route 53 zone of the domain: the certificate and the record are made there. Null: bring a certificate and make the record yourself."
  type        = string
  default     = null

  validation {
    condition     = var.zone_id == null || can(regex("^Z[A-Z0-9]+$", var.zone_id))
    error_message = "The id of a hosted zone, which begins with Z."
  }
}

variable "certificate_arn" {
  description = "An ACM certificate for the domain, in this region. Null: one is made in the zone."
  type        = string
  default     = null

  validation {
    condition     = var.certificate_arn != null || var.zone_id != null
    error_message = "Set zone_id to have a certificate made, or certificate_arn to bring one: there is no listener without TLS."
  }
}

variable "webhook_cidrs" {
  description = "Addresses that may deliver. GitHub publishes its own under `hooks` at https://api.github.com/meta."
  type        = list(string)
  default     = ["0.0.0.0/0"]

  validation {
    condition     = length(var.webhook_cidrs) > 0 && alltrue([for cidr in var.webhook_cidrs : can(cidrhost(cidr, 0))])
    error_message = "At least one range, each as in 192.30.252.0/22."
  }
}

variable "admin_cidrs" {
  description = "Addresses that may reach the API, to register hooks and to ask why. Empty: nobody can from outside."
  type        = list(string)
  default     = []

  validation {
    condition     = length(var.admin_cidrs) <= 4 && alltrue([for cidr in var.admin_cidrs : can(cidrhost(cidr, 0)) && cidr != "0.0.0.0/0"])
    error_message = "At most four ranges, and not the whole internet."
  }
}

variable "web_acl_arn" {
  description = "A regional WAF web ACL for the load balancer; null: none. It must let bodies of 25 MiB through."
  type        = string
  default     = null

  validation {
    condition     = var.web_acl_arn == null || can(regex("^arn:[^:]+:wafv2:[^:]+:[0-9]{12}:regional/webacl/.+$", var.web_acl_arn))
    error_message = "The ARN of a regional web ACL."
  }
}

# The network.

variable "vpc_cidr" {
  description = "The addresses of the VPC that is made."
  type        = string
  default     = "10.64.0.0/20"

  validation {
    condition     = can(cidrsubnet(var.vpc_cidr, 4, 15))
    error_message = "A range that leaves four bits for subnets, such as 10.64.0.0/20."
  }
}

variable "availability_zones" {
  description = "The zones to stand in, by name. Add to the end of the list: a zone's place in it decides its subnets."
  type        = list(string)

  validation {
    condition     = contains([2, 3], length(var.availability_zones)) && length(distinct(var.availability_zones)) == length(var.availability_zones)
    error_message = "2 or 3 different zones: the load balancer and the store each need two."
  }
}

variable "single_nat_gateway" {
  description = "One NAT gateway for all zones: cheaper, and its zone's failure cuts all workers off from Jira (tickets wait)."
  type        = bool
  default     = false
}

variable "egress_cidrs" {
  description = "Where tasks may go over HTTPS: Jira, the forge's API, AWS' own. Narrow it only if you know all of them."
  type        = list(string)
  default     = ["0.0.0.0/0"]

  validation {
    condition     = length(var.egress_cidrs) > 0 && alltrue([for cidr in var.egress_cidrs : can(cidrhost(cidr, 0))])
    error_message = "At least one range, each as in 0.0.0.0/0."
  }
}

# Jira and the forge.

variable "jira_url" {
  description = "The Jira site, such as https://acme.atlassian.net."
  type        = string

  validation {
    condition     = can(regex("^https://[^/]+(/.*)?$", var.jira_url))
    error_message = "An https address: nothing else is let out."
  }
}

variable "jira_secret_arn" {
  description = "An existing Secrets Manager secret with the Jira login as JSON; jira_secret_keys names its fields. Terraform never reads it."
  type        = string

  validation {
    condition     = can(regex("^arn:[^:]+:secretsmanager:[^:]+:[0-9]{12}:secret:.+-[A-Za-z0-9]{6}$", var.jira_secret_arn))
    error_message = "The whole ARN of a secret, with its six random characters."
  }
}

variable "jira_secret_keys" {
  description = "Which settings the login's JSON holds: e-mail and API key (Cloud), or a token (Data Center)."
  type        = set(string)
  default     = ["ATLASSIAN_EMAIL", "ATLASSIAN_API_KEY"]

  validation {
    condition     = length(var.jira_secret_keys) > 0 && length(setsubtract(var.jira_secret_keys, ["ATLASSIAN_EMAIL", "ATLASSIAN_API_KEY", "ATLASSIAN_TOKEN"])) == 0
    error_message = "Some of ATLASSIAN_EMAIL, ATLASSIAN_API_KEY and ATLASSIAN_TOKEN."
  }
}

variable "github_secret_arn" {
  description = "An existing secret whose whole text is a GitHub token; only for rules with `paths` or `commits`. Null: none."
  type        = string
  default     = null

  validation {
    condition     = var.github_secret_arn == null || can(regex("^arn:[^:]+:secretsmanager:[^:]+:[0-9]{12}:secret:.+-[A-Za-z0-9]{6}$", var.github_secret_arn))
    error_message = "The whole ARN of a secret, with its six random characters."
  }
}

variable "customer_key_arns" {
  description = "KMS keys that the secrets above are encrypted with, when they are not AWS' own."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.customer_key_arns : can(regex("^arn:[^:]+:kms:[^:]+:[0-9]{12}:key/.+$", arn))])
    error_message = "ARNs of keys, not of aliases."
  }
}

variable "admin_token_version" {
  description = "Raise it to have a new administrator's token made; the one before is revoked when the web tasks start anew."
  type        = number
  default     = 1

  validation {
    condition     = var.admin_token_version >= 1 && floor(var.admin_token_version) == var.admin_token_version
    error_message = "A whole number from 1."
  }
}

# Sizes.

variable "web_tasks" {
  description = "How many web tasks, at least and at most."
  type        = object({ min = number, max = number })
  default     = { min = 2, max = 6 }

  validation {
    condition     = var.web_tasks.min >= 1 && var.web_tasks.max >= var.web_tasks.min
    error_message = "At least 1, and the most not below the least."
  }
}

variable "worker_tasks" {
  description = "How many worker tasks, at least and at most. Jira's limits bind long before ten."
  type        = object({ min = number, max = number })
  default     = { min = 2, max = 6 }

  validation {
    condition     = var.worker_tasks.min >= 1 && var.worker_tasks.max >= var.worker_tasks.min && var.worker_tasks.max <= 20
    error_message = "At least 1, the most not below the least, and at most 20."
  }
}

variable "backlog_per_worker" {
  description = "Events and tickets waiting for each worker task, above which another is started."
  type        = number
  default     = 100

  validation {
    condition     = var.backlog_per_worker >= 1
    error_message = "At least 1."
  }
}

variable "tickets_at_once" {
  description = "Tickets that one worker task works on at once (CONDUIT_WORKERS)."
  type        = number
  default     = 16

  validation {
    condition     = var.tickets_at_once >= 1 && var.tickets_at_once <= 1024
    error_message = "From 1 to 1024."
  }
}

variable "task_size" {
  description = "Processor (units of 1/1024) and memory (MiB) of a task; a pair that Fargate has."
  type        = object({ cpu = number, memory = number })
  default     = { cpu = 512, memory = 1024 }

  validation {
    condition     = contains([256, 512, 1024, 2048, 4096], var.task_size.cpu) && var.task_size.memory >= 2 * var.task_size.cpu
    error_message = "cpu of 256, 512, 1024, 2048 or 4096, and memory of at least twice that."
  }
}

variable "store_node_type" {
  description = "The node type of the store."
  type        = string
  default     = "cache.t4g.small"

  validation {
    condition     = can(regex("^cache\\.[a-z0-9]+\\.[a-z0-9]+$", var.store_node_type))
    error_message = "A node type of ElastiCache, such as cache.m7g.large."
  }
}

variable "store_replicas" {
  description = "Replicas of the store, each in another zone."
  type        = number
  default     = 1

  validation {
    condition     = var.store_replicas >= 1 && var.store_replicas <= 5
    error_message = "From 1 to 5: Multi-AZ needs one."
  }
}

variable "store_wait" {
  description = "A delivery is answered 202 only when so many replicas have it too; with fewer at hand it is answered 503. 0: none."
  type        = number
  default     = 0

  validation {
    condition     = var.store_wait >= 0 && (var.store_wait == 0 || var.store_wait < var.store_replicas)
    error_message = "Less than store_replicas, so that one may be away: 1 with store_replicas = 2."
  }
}

# What is kept, and who is told.

variable "retention" {
  description = "How long finished events stay readable (CONDUIT_RETENTION)."
  type        = string
  default     = "30d"

  validation {
    condition     = can(regex("^[0-9]+(s|m|h|d)$", var.retention))
    error_message = "A number and s, m, h or d, such as 30d."
  }
}

variable "log_level" {
  description = "What to log (CONDUIT_LOG): a level, or a filter."
  type        = string
  default     = "info"
}

variable "log_retention_days" {
  description = "How long logs are kept."
  type        = number
  default     = 365

  validation {
    condition     = contains([30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827], var.log_retention_days)
    error_message = "One of the numbers of days that CloudWatch Logs takes, from 30."
  }
}

variable "alarm_topic_arns" {
  description = "SNS topics that alarms speak to. Empty: they can only be looked at."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for arn in var.alarm_topic_arns : can(regex("^arn:[^:]+:sns:[^:]+:[0-9]{12}:.+$", arn))])
    error_message = "ARNs of SNS topics."
  }
}

variable "otlp_endpoint" {
  description = "Where an OpenTelemetry collector takes a trace of each event, over HTTPS. Null: no traces."
  type        = string
  default     = null

  validation {
    condition     = var.otlp_endpoint == null || can(regex("^https://[^/:@?]+(:443)?(/[^?]*)?$", var.otlp_endpoint))
    error_message = "An https address on port 443, without a login or a query: nothing else is let out."
  }
}

variable "otlp_headers_secret_arn" {
  description = "An existing secret whose whole text is what the collector asks for, such as authorization=Bearer%20…. Null: nothing."
  type        = string
  default     = null

  validation {
    condition     = var.otlp_headers_secret_arn == null || can(regex("^arn:[^:]+:secretsmanager:[^:]+:[0-9]{12}:secret:.+-[A-Za-z0-9]{6}$", var.otlp_headers_secret_arn))
    error_message = "The whole ARN of a secret, with its six random characters."
  }
}

variable "otlp_share" {
  description = "The share of events that are traced, from 0 to 1."
  type        = number
  default     = 1

  validation {
    condition     = var.otlp_share >= 0 && var.otlp_share <= 1
    error_message = "From 0 to 1."
  }
}

variable "deletion_protection" {
  description = "Whether the load balancer refuses to be deleted, and the store leaves a last snapshot behind."
  type        = bool
  default     = true
}

variable "collector_image" {
  description = "The AWS distribution of the OpenTelemetry collector, which carries metrics to CloudWatch."
  type        = string
  default     = "public.ecr.aws/aws-observability/aws-otel-collector:v0.43.3"
}
