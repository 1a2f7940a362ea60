# TLS ends here. The world reaches the payload route alone; the API is for administrators' addresses.

resource "aws_lb" "this" {
  #checkov:skip=CKV2_AWS_76:The web ACL is the caller's (web_acl_arn), and nothing here is written in Java
  name               = var.name
  load_balancer_type = "application"
  internal           = false
  subnets            = [for subnet in aws_subnet.public : subnet.id]
  security_groups    = [aws_security_group.lb.id]

  drop_invalid_header_fields = true

  # Shorter than the 75 seconds for which Conduit keeps a connection: who closes last is never surprised by a request.
  idle_timeout = 60

  enable_deletion_protection = var.deletion_protection

  access_logs {
    bucket  = aws_s3_bucket.access_logs.id
    enabled = true
  }

  depends_on = [aws_s3_bucket_policy.access_logs]
}

resource "aws_wafv2_web_acl_association" "lb" {
  count = var.web_acl_arn == null ? 0 : 1

  resource_arn = aws_lb.this.arn
  web_acl_arn  = var.web_acl_arn
}

resource "aws_lb_target_group" "web" {
  #checkov:skip=CKV_AWS_378:TLS ends at the load balancer; between it and the tasks lie this VPC and a security group
  name        = var.name
  vpc_id      = aws_vpc.this.id
  target_type = "ip"
  protocol    = "HTTP"
  port        = local.http_port

  # ECS takes a task off this list first, waits this long, and only then sends SIGTERM.
  deregistration_delay = 30

  # Whether the process lives, not whether it is ready: ECS replaces what this calls unhealthy, and a new task would
  # not find the store either. While the store is away the tasks stay and answer 503.
  health_check {
    path                = "/livez"
    matcher             = "200"
    interval            = 10
    timeout             = 5
    healthy_threshold   = 2
    unhealthy_threshold = 3
  }
}

resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.this.arn
  protocol          = "HTTPS"
  port              = 443
  # TLS 1.3, and of 1.2 what has forward secrecy and authenticated encryption.
  ssl_policy      = "ELBSecurityPolicy-TLS13-1-2-Res-2021-06"
  certificate_arn = local.certificate_arn

  default_action {
    type = "fixed-response"

    fixed_response {
      content_type = "text/plain"
      message_body = "there is nothing at this path"
      status_code  = "404"
    }
  }
}

resource "aws_lb_listener_rule" "payload" {
  listener_arn = aws_lb_listener.https.arn
  priority     = 10

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.web.arn
  }

  condition {
    path_pattern {
      values = ["/conduit/webhooks/*/*/payload", "/webhooks/*/*/payload"]
    }
  }

  condition {
    http_request_method {
      values = ["POST"]
    }
  }
}

resource "aws_lb_listener_rule" "api" {
  count = length(var.admin_cidrs) > 0 ? 1 : 0

  listener_arn = aws_lb_listener.https.arn
  priority     = 20

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.web.arn
  }

  condition {
    source_ip {
      values = var.admin_cidrs
    }
  }
}
