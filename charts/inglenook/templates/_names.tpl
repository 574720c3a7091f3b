{{/* Names are fixed: there is one platform in a namespace. */}}

{{- define "inglenook.labels" -}}
app.kubernetes.io/name: inglenook
app.kubernetes.io/part-of: inglenook
app.kubernetes.io/component: {{ .part }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version }}
{{- end }}

{{- define "inglenook.selector" -}}
app.kubernetes.io/part-of: inglenook
app.kubernetes.io/component: {{ . }}
{{- end }}

{{- define "inglenook.image" -}}
{{ .root.Values.image.prefix }}inglenook/{{ .name }}:{{ .root.Values.image.tag }}
{{- end }}

{{- define "inglenook.functionsNamespace" -}}
{{ .Values.cluster.functionsNamespace }}
{{- end }}

{{- define "inglenook.secret" -}}
{{ .Values.secret.existing | default "inglenook-secret" }}
{{- end }}

{{- define "inglenook.natsSecret" -}}
{{ .Values.nats.existingSecret | default "inglenook-nats" }}
{{- end }}

{{- define "inglenook.natsReplicas" -}}
{{ ternary .Values.nats.replicas .Values.nats.streamReplicas .Values.nats.enabled }}
{{- end }}

{{/* The namespaces that hold something of the platform, each once. */}}
{{- define "inglenook.namespaces" -}}
{{ list .Release.Namespace (include "inglenook.functionsNamespace" .) | uniq | join "," }}
{{- end }}
