{{/* The settings, as the variables by which a process takes them: files/settings.json knows the names. */}}
{{- define "inglenook.settings" -}}
{{- $names := .Files.Get "files/settings.json" | fromJson -}}
{{- range $group, $fields := $names }}
{{- $values := index $.Values $group | default dict }}
{{- range $value, $variable := $fields }}
{{- if and (hasKey $values $value) (not (kindIs "invalid" (index $values $value))) }}
{{ $variable }}: {{ include "inglenook.scalar" (index $values $value) }}
{{- end }}
{{- end }}
{{- end }}
INGLENOOK_CLUSTER_NAMESPACE: {{ .Release.Namespace | quote }}
INGLENOOK_CLUSTER_GATEWAYS_SERVICE: inglenook-gateways
INGLENOOK_CLUSTER_NATS_REPLICAS: {{ include "inglenook.natsReplicas" . | quote }}
INGLENOOK_OPERATOR_AGENT_IMAGE: {{ include "inglenook.image" (dict "root" . "name" "agent") | quote }}
INGLENOOK_OPERATOR_AGENT_IMAGE_PULL_POLICY: {{ .Values.image.pullPolicy | quote }}
INGLENOOK_OPERATOR_SECRET_NAME: {{ include "inglenook.secret" . | quote }}
INGLENOOK_OPERATOR_API_URL: {{ printf "http://inglenook-gateway.%s:%v" .Release.Namespace (int .Values.gateway.service.port) | quote }}
{{- end }}

{{/* Helm reads whole numbers as floats and would print large ones as 1e+06. */}}
{{- define "inglenook.scalar" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) -}}
{{ int64 . | toString | quote }}
{{- else -}}
{{ toString . | quote }}
{{- end -}}
{{- end }}
