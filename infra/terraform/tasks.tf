# The two services and what runs in their tasks.
#
# No spool: a Fargate task's own disk ends with the task, so a delivery that waited there would be lost although it was
# answered 202. An EBS volume that ECS makes ends with its task too, and a shared file system is no place for the spool's
# database. While the store is away, deliveries are answered 503.

locals {
  commands = {
    web    = ["serve", "--no-workers"]
    worker = ["worker"]
  }

  # The management listener stays on loopback, where the health check and the collector are: it asks for no token there.
  environment = {
    for service, own in {
      web = {
        CONDUIT_LISTEN     = "0.0.0.0:${local.http_port}"
        CONDUIT_PUBLIC_URL = local.public_url
        # The load balancer stands in the public subnets and writes X-Forwarded-For; nobody else reaches a task.
        CONDUIT_TRUSTED_PROXIES = join(",", [for subnet in aws_subnet.public : subnet.cidr_block])
      }
      worker = {
        CONDUIT_WORKERS      = tostring(var.tickets_at_once)
        ATLASSIAN_DOMAIN_URL = var.jira_url
      }
      } : service => merge(own, {
        CONDUIT_MANAGEMENT_LISTEN = "127.0.0.1:9093"
        CONDUIT_RETENTION         = var.retention
        CONDUIT_LOG               = var.log_level
        CONDUIT_LOG_FORMAT        = "json"
    }, local.traces)
  }

  # Off until there is somewhere to send them.
  traces = var.otlp_endpoint == null ? {} : {
    OTEL_EXPORTER_OTLP_ENDPOINT = var.otlp_endpoint
    OTEL_TRACES_SAMPLER         = "traceidratio"
    OTEL_TRACES_SAMPLER_ARG     = tostring(var.otlp_share)
  }

  # Both images run as a user of their own and write nothing.
  locked = {
    readonlyRootFilesystem = true
    privileged             = false
    linuxParameters        = { capabilities = { drop = ["ALL"] } }
  }

  log_options = {
    for group in ["web", "worker", "collector"] : group => {
      logDriver = "awslogs"
      options = {
        awslogs-group         = aws_cloudwatch_log_group.task[group].name
        awslogs-region        = local.region
        awslogs-stream-prefix = "conduit"
        mode                  = "non-blocking"
        max-buffer-size       = "4m"
      }
    }
  }

  collector = merge(local.locked, {
    name              = "collector"
    image             = var.collector_image
    essential         = false
    restartPolicy     = { enabled = true }
    memoryReservation = 128
    environment = [{
      name = "AOT_CONFIG_CONTENT"
      value = templatefile("${path.module}/files/collector.yaml.tftpl", {
        namespace = local.metrics_namespace
        log_group = aws_cloudwatch_log_group.metrics.name
        region    = local.region
      })
    }]
    logConfiguration = local.log_options["collector"]
  })
}

resource "aws_ecs_cluster" "this" {
  name = var.name

  # How many tasks run is a part of the backlog per task.
  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_ecs_task_definition" "this" {
  for_each = local.commands

  family                   = "${var.name}-${each.key}"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = var.task_size.cpu
  memory                   = var.task_size.memory
  execution_role_arn       = aws_iam_role.execution[each.key].arn
  task_role_arn            = aws_iam_role.task.arn

  runtime_platform {
    operating_system_family = "LINUX"
    cpu_architecture        = var.cpu_architecture
  }

  container_definitions = jsonencode([
    merge(local.locked, {
      name      = "conduit"
      image     = var.image
      command   = each.value
      essential = true
      user      = "65532:65532"

      environment = [for name, value in local.environment[each.key] : { name = name, value = value }]
      secrets     = [for name, arn in local.secrets[each.key] : { name = name, valueFrom = arn }]

      portMappings = each.key == "web" ? [{ containerPort = local.http_port, protocol = "tcp" }] : []

      # Work under way is finished or handed back within 25 seconds of SIGTERM; ECS waits a little longer.
      stopTimeout = 30

      # Whether it lives: a task that is not ready for want of a store is not mended by another. It listens before its store is
      # there.
      healthCheck = {
        command     = ["CMD", "/conduit", "healthcheck", "http://127.0.0.1:9093/livez"]
        interval    = 10
        timeout     = 5
        retries     = 3
        startPeriod = 60
      }

      logConfiguration = local.log_options[each.key]
    }),
    local.collector,
  ])

  depends_on = [aws_iam_role_policy.execution, aws_iam_role_policy.task]
}

resource "aws_ecs_service" "this" {
  for_each = local.commands

  name                          = each.key
  cluster                       = aws_ecs_cluster.this.id
  task_definition               = aws_ecs_task_definition.this[each.key].arn
  desired_count                 = each.key == "web" ? var.web_tasks.min : var.worker_tasks.min
  launch_type                   = "FARGATE"
  platform_version              = "LATEST"
  availability_zone_rebalancing = "ENABLED"
  enable_execute_command        = false
  propagate_tags                = "SERVICE"

  # New tasks first, then the old ones go; what does not come up is rolled back.
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  health_check_grace_period_seconds  = each.key == "web" ? 60 : null

  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }

  network_configuration {
    subnets          = [for subnet in aws_subnet.private : subnet.id]
    security_groups  = [aws_security_group.task[each.key].id]
    assign_public_ip = false
  }

  dynamic "load_balancer" {
    for_each = each.key == "web" ? [aws_lb_target_group.web.arn] : []

    content {
      target_group_arn = load_balancer.value
      container_name   = "conduit"
      container_port   = local.http_port
    }
  }

  # A task without its secrets does not start.
  depends_on = [
    aws_lb_listener.https,
    aws_secretsmanager_secret_version.admin_token,
    aws_secretsmanager_secret_version.secret_key,
    aws_secretsmanager_secret_version.store_url,
  ]

  lifecycle {
    # How many there are is the autoscaler's to say.
    ignore_changes = [desired_count]
  }
}
