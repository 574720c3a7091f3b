{{/* What the pods of the platform's parts have in common. */}}

{{- define "inglenook.podHardening" -}}
runAsNonRoot: true
runAsUser: {{ . }}
runAsGroup: {{ . }}
fsGroup: {{ . }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "inglenook.hardening" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: {drop: [ALL]}
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "inglenook.scheduling" -}}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.scheduling.nodeSelector }}
nodeSelector: {{ toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.scheduling.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
tolerations:
  # Of a node that does not answer, another takes over soon, not after Kubernetes' five minutes.
  - {key: node.kubernetes.io/not-ready, operator: Exists, effect: NoExecute, tolerationSeconds: 5}
  - {key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute, tolerationSeconds: 5}
{{- with .root.Values.scheduling.tolerations }}
  {{- toYaml . | nindent 2 }}
{{- end }}
topologySpreadConstraints:
  # Alone: of several, nodes that lack the label of any one count for none.
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{ include "inglenook.selector" .part | nindent 8 }}
    # In a rollout those that are on their way out do not count.
    matchLabelKeys: [pod-template-hash]
affinity:
  podAntiAffinity:
    preferredDuringSchedulingIgnoredDuringExecution:
      - weight: 100
        podAffinityTerm:
          topologyKey: topology.kubernetes.io/zone
          labelSelector:
            matchLabels: {{ include "inglenook.selector" .part | nindent 14 }}
          matchLabelKeys: [pod-template-hash]
{{- end }}

{{/* The environment of gateways, operators and workers. */}}
{{- define "inglenook.environment" -}}
envFrom:
  - configMapRef: {name: inglenook-settings}
env:
  - name: INGLENOOK_CLUSTER_POD_NAME
    valueFrom: {fieldRef: {fieldPath: metadata.name}}
  - name: INGLENOOK_CLUSTER_POD_IP
    valueFrom: {fieldRef: {fieldPath: status.podIP}}
  - name: INGLENOOK_CLUSTER_NATS_URL
    valueFrom: {secretKeyRef: {name: {{ include "inglenook.natsSecret" . }}, key: url}}
{{- end }}

{{- define "inglenook.probes" -}}
startupProbe:
  httpGet: {path: /live, port: status}
  periodSeconds: 1
  timeoutSeconds: 2
  failureThreshold: 120
readinessProbe:
  httpGet: {path: /ready, port: status}
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: 2
livenessProbe:
  httpGet: {path: /live, port: status}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
{{- end }}

{{/* A Deployment of one part: root, part, user, stop (seconds from SIGTERM to SIGKILL), ports. */}}
{{- define "inglenook.deployment" -}}
{{- $values := index .root.Values .part -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: inglenook-{{ .part }}
  namespace: {{ .root.Release.Namespace }}
  labels: {{ include "inglenook.labels" . | nindent 4 }}
spec:
  replicas: {{ $values.replicas }}
  revisionHistoryLimit: 3
  strategy:
    type: RollingUpdate
    rollingUpdate: {maxSurge: 1, maxUnavailable: 0}
  selector:
    matchLabels: {{ include "inglenook.selector" .part | nindent 6 }}
  template:
    metadata:
      labels: {{ include "inglenook.labels" . | nindent 8 }}
      annotations:
        kubectl.kubernetes.io/default-container: {{ .part }}
        prometheus.io/scrape: "true"
        prometheus.io/port: "9552"
        inglenook.dev/settings: {{ include "inglenook.settings" .root | sha256sum }}
    spec:
      serviceAccountName: inglenook-{{ .part }}
      enableServiceLinks: false
      terminationGracePeriodSeconds: {{ add .stop 15 }}
      securityContext: {{ include "inglenook.podHardening" 65530 | nindent 8 }}
      {{- include "inglenook.scheduling" . | nindent 6 }}
      containers:
        - name: {{ .part }}
          image: {{ include "inglenook.image" (dict "root" .root "name" "platform") }}
          imagePullPolicy: {{ .root.Values.image.pullPolicy }}
          args: [inglenook_{{ .part }}]
          {{- include "inglenook.environment" .root | nindent 10 }}
          ports:
            {{- range $name, $port := .ports }}
            - {name: {{ $name }}, containerPort: {{ $port }}}
            {{- end }}
            - {name: status, containerPort: 9552}
          {{- include "inglenook.probes" . | nindent 10 }}
          resources: {{ toYaml $values.resources | nindent 12 }}
          securityContext: {{ include "inglenook.hardening" . | nindent 12 }}
          volumeMounts:
            - {name: tmp, mountPath: /tmp}
            - {name: secret, mountPath: /etc/inglenook/secret, readOnly: true}
      volumes:
        - name: tmp
          emptyDir: {sizeLimit: {{ index $values.resources.limits "ephemeral-storage" | default "1Gi" }}}
        - name: secret
          secret:
            secretName: {{ include "inglenook.secret" .root }}
            defaultMode: 288
            items: [{key: secret, path: secret}]
{{- end }}
