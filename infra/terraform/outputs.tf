output "webhook_url" {
  description = "What to paste into GitHub as the payload URL. REPO_ID is the hook's id, by default owner-name; the secret comes from `conduit hooks register`."
  value       = "${local.public_url}/conduit/webhooks/github/REPO_ID/payload"
}

output "public_url" {
  description = "For CONDUIT_URL of the command line, from an address of admin_cidrs."
  value       = local.public_url
}

output "load_balancer" {
  description = "The name that your own record for the domain points to, when no zone was given."
  value       = { dns_name = aws_lb.this.dns_name, zone_id = aws_lb.this.zone_id }
}

output "admin_token_command" {
  description = "Prints the first administrator's token, for CONDUIT_TOKEN."
  value       = "aws secretsmanager get-secret-value --region ${local.region} --secret-id ${aws_secretsmanager_secret.admin_token.name} --query SecretString --output text"
}

output "nat_addresses" {
  description = "Where Conduit's calls come from: for the allow-lists of Jira and the forge."
  value       = [for address in aws_eip.nat : address.public_ip]
}

output "cluster" {
  description = "The ECS cluster, with the services web and worker."
  value       = aws_ecs_cluster.this.name
}

output "log_groups" {
  description = "Where the two services write."
  value       = { for service in keys(local.commands) : service => aws_cloudwatch_log_group.task[service].name }
}
