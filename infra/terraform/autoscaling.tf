# Workers by what waits for each of them, web tasks by processor time.
#
# The collector in each task carries conduit_queue_depth to CloudWatch. Every process reports the store's own count, so it is
# the highest and never the sum. What is delayed waits for Jira: no worker makes that shorter, and it does not count.

locals {
  metrics_namespace = "Conduit/${var.name}"
}

resource "aws_appautoscaling_target" "this" {
  for_each = { web = var.web_tasks, worker = var.worker_tasks }

  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${aws_ecs_cluster.this.name}/${aws_ecs_service.this[each.key].name}"
  min_capacity       = each.value.min
  max_capacity       = each.value.max
}

resource "aws_appautoscaling_policy" "web" {
  name               = "processor"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.this["web"].service_namespace
  scalable_dimension = aws_appautoscaling_target.this["web"].scalable_dimension
  resource_id        = aws_appautoscaling_target.this["web"].resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = 60
    scale_out_cooldown = 60
    scale_in_cooldown  = 300

    predefined_metric_specification {
      predefined_metric_type = "ECSServiceAverageCPUUtilization"
    }
  }
}

resource "aws_appautoscaling_policy" "worker" {
  name               = "backlog-per-task"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.this["worker"].service_namespace
  scalable_dimension = aws_appautoscaling_target.this["worker"].scalable_dimension
  resource_id        = aws_appautoscaling_target.this["worker"].resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = var.backlog_per_worker
    scale_out_cooldown = 60
    scale_in_cooldown  = 600

    customized_metric_specification {
      metrics {
        id          = "backlog"
        label       = "Events and tickets that wait, for each worker task"
        expression  = "(inbox + ready) / running"
        return_data = true
      }

      dynamic "metrics" {
        for_each = toset(["inbox", "ready"])

        content {
          id          = metrics.value
          return_data = false

          metric_stat {
            stat = "Maximum"

            metric {
              namespace   = local.metrics_namespace
              metric_name = "conduit_queue_depth"

              dimensions {
                name  = "state"
                value = metrics.value
              }
            }
          }
        }
      }

      metrics {
        id          = "running"
        return_data = false

        metric_stat {
          stat = "Average"

          metric {
            namespace   = "ECS/ContainerInsights"
            metric_name = "RunningTaskCount"

            dimensions {
              name  = "ClusterName"
              value = aws_ecs_cluster.this.name
            }

            dimensions {
              name  = "ServiceName"
              value = aws_ecs_service.this["worker"].name
            }
          }
        }
      }
    }
  }
}
