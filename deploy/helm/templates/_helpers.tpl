{{- define "sluice.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "sluice.fullname" -}}
{{- $name := include "sluice.name" . }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "sluice.selector" -}}
app.kubernetes.io/name: {{ include "sluice.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "sluice.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{ include "sluice.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "sluice.serviceAccount" -}}
{{- default (ternary (include "sluice.fullname" .) "default" .Values.serviceAccount.create) .Values.serviceAccount.name }}
{{- end }}

{{- define "sluice.kind" -}}
{{- $type := default (ternary "daemonset" "deployment" (not (empty .Values.daemonset))) .Values.deploymentType }}
{{- if not (has $type (list "daemonset" "deployment")) }}
{{- fail (printf "deploymentType is %q: neither deployment nor daemonset" $type) }}
{{- end }}
{{- ternary "DaemonSet" "Deployment" (eq $type "daemonset") }}
{{- end }}

{{- /* Both generations of settings as one: JSON. */}}
{{- define "sluice.configuration" -}}
{{- mergeOverwrite (deepCopy .Values.configuration) .Values.daemonset | toJson }}
{{- end }}

{{- /* What a variable says. rtcd's chart pastes values into YAML as they are, so its users quote
twice; what is not text goes as JSON, which is YAML for numbers and truths. */}}
{{- define "sluice.value" -}}
{{- if not (kindIs "string" .) }}
{{- toJson . }}
{{- else if regexMatch "^(\".*\"|'.*')$" . }}
{{- get (fromYaml (printf "is: %s" .)) "is" }}
{{- else }}
{{- . }}
{{- end }}
{{- end }}

{{- /* All variables: what the chart's other values say, then those that were given. */}}
{{- define "sluice.environment" -}}
{{- $conf := include "sluice.configuration" . | fromJson }}
{{- $drain := sub (int $conf.terminationGracePeriod) (int $conf.drainMargin) }}
{{- if lt $drain 0 }}
{{- fail "terminationGracePeriod is shorter than drainMargin" }}
{{- end }}
{{- $public := ternary (printf "0.0.0.0:%d" (int .Values.service.publicPort)) "127.0.0.1:0" (gt (int .Values.service.publicPort) 0) }}
{{- $vars := dict
  "SLUICE_DEFAULT_ADMIN_LISTEN" (printf "0.0.0.0:%d" (int .Values.service.APIport))
  "SLUICE_HTTP_LISTEN" $public
  "SLUICE_RTC_PORT" (printf "%d" (int .Values.service.RTCport))
  "SLUICE_RTC_TCP_PORT" (printf "%d" (int .Values.service.RTCport))
  "SLUICE_STORE_DIRECTORY" "/var/lib/sluice"
  "SLUICE_DRAIN_DEADLINE" (printf "%ds" $drain) }}
{{- range $name, $value := mergeOverwrite $vars $conf.environmentVariables }}
- name: {{ $name }}
  value: {{ include "sluice.value" $value | quote }}
{{- end }}
{{- with $conf.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* A probe of a path: (dict "root" $ "path" P "probe" NUMBERS). */}}
{{- define "sluice.probe" -}}
httpGet:
  path: {{ .path }}
  port: api
  scheme: {{ .root.Values.probes.scheme }}
{{ toYaml .probe }}
{{- end }}
