# Who may speak with whom: the internet with the load balancer, it with web tasks, tasks with the store and, over HTTPS, out.

resource "aws_security_group" "lb" {
  name        = "${var.name}-lb"
  description = "The load balancer of ${var.name}"
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${var.name}-lb" }
}

resource "aws_vpc_security_group_ingress_rule" "lb_https" {
  for_each = setunion(var.webhook_cidrs, var.admin_cidrs)

  security_group_id = aws_security_group.lb.id
  description       = "HTTPS from forges and administrators"
  cidr_ipv4         = each.value
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_egress_rule" "lb_web" {
  security_group_id            = aws_security_group.lb.id
  description                  = "Web tasks"
  referenced_security_group_id = aws_security_group.task["web"].id
  ip_protocol                  = "tcp"
  from_port                    = local.http_port
  to_port                      = local.http_port
}

resource "aws_security_group" "task" {
  #checkov:skip=CKV2_AWS_5:Attached to the services in tasks.tf, by key
  for_each = toset(["web", "worker"])

  name        = "${var.name}-${each.key}"
  description = "The ${each.key} tasks of ${var.name}"
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${var.name}-${each.key}" }
}

resource "aws_vpc_security_group_ingress_rule" "web_lb" {
  security_group_id            = aws_security_group.task["web"].id
  description                  = "The load balancer"
  referenced_security_group_id = aws_security_group.lb.id
  ip_protocol                  = "tcp"
  from_port                    = local.http_port
  to_port                      = local.http_port
}

# Web tasks need it too: their image, secrets and logs are fetched and sent through the task's own interface.
resource "aws_vpc_security_group_egress_rule" "task_https" {
  for_each = {
    for pair in setproduct(keys(aws_security_group.task), var.egress_cidrs) : "${pair[0]} ${pair[1]}" => pair
  }

  security_group_id = aws_security_group.task[each.value[0]].id
  description       = "HTTPS: Jira, the forge, AWS"
  cidr_ipv4         = each.value[1]
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_security_group_egress_rule" "task_store" {
  for_each = aws_security_group.task

  security_group_id            = each.value.id
  description                  = "The store"
  referenced_security_group_id = aws_security_group.store.id
  ip_protocol                  = "tcp"
  from_port                    = local.store_port
  to_port                      = local.store_port
}

resource "aws_security_group" "store" {
  name        = "${var.name}-store"
  description = "The store of ${var.name}"
  vpc_id      = aws_vpc.this.id

  tags = { Name = "${var.name}-store" }
}

resource "aws_vpc_security_group_ingress_rule" "store_task" {
  for_each = aws_security_group.task

  security_group_id            = aws_security_group.store.id
  description                  = "The ${each.key} tasks"
  referenced_security_group_id = each.value.id
  ip_protocol                  = "tcp"
  from_port                    = local.store_port
  to_port                      = local.store_port
}
