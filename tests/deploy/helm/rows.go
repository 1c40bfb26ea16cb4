package main

import core "k8s.io/api/core/v1"

type field struct {
	name      string
	got, want interface{}
}

type row struct {
	name    string
	file    string                 // of values; "": the chart's own
	set     map[string]interface{} // over them: "service.APIport": 1
	refused string                 // a part of the error; "": it renders
	fields  func(r *rendered) []field
}

var rows = []row{
	{name: "as it is: one pod a node, on the host's network", fields: func(r *rendered) []field {
		pod, server := r.pod().Spec, r.server()
		return []field{
			{"kind", r.deployment != nil && r.daemonset == nil, true},
			{"name", r.deployment.Name, "calls-sluice"},
			{"selector", r.deployment.Spec.Selector.MatchLabels["app.kubernetes.io/instance"], r.pod().Labels["app.kubernetes.io/instance"]},
			{"replicas", *r.deployment.Spec.Replicas, int32(2)},
			{"surge", r.deployment.Spec.Strategy.RollingUpdate.MaxSurge.IntValue(), 0},
			{"hostNetwork", pod.HostNetwork, true},
			{"dnsPolicy", pod.DNSPolicy, core.DNSClusterFirstWithHostNet},
			{"ports", r.ports(), "api 8045/TCP host 8045\nrtc-udp 8443/UDP host 8443\nrtc-tcp 8443/TCP host 8443"},
			{"apart by", pod.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution[0].TopologyKey, "kubernetes.io/hostname"},
			{"apart from", pod.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution[0].LabelSelector.MatchLabels, r.deployment.Spec.Selector.MatchLabels},
			{"service", r.service.Spec.ClusterIP, "None"},
			{"account", pod.ServiceAccountName, r.account.Name},
			{"no token", *pod.AutomountServiceAccountToken, false},
			{"user", *pod.SecurityContext.RunAsUser, int64(65532)},
			{"not root", *pod.SecurityContext.RunAsNonRoot, true},
			{"read only", *server.SecurityContext.ReadOnlyRootFilesystem, true},
			{"capabilities", server.SecurityContext.Capabilities.Drop, []core.Capability{"ALL"}},
			{"seccomp", pod.SecurityContext.SeccompProfile.Type, core.SeccompProfileTypeRuntimeDefault},
			{"image", server.Image, "sluice:0.1.0"},
			{"live", server.LivenessProbe.HTTPGet.Path, "/health/live"},
			{"ready", server.ReadinessProbe.HTTPGet.Path, "/health/ready"},
			{"ready by", server.ReadinessProbe.HTTPGet.Port.String(), "api"},
			{"grace", *pod.TerminationGracePeriodSeconds, int64(18000)},
			{"drain", r.env("SLUICE_DRAIN_DEADLINE"), "17990s"},
			{"private face", r.env("SLUICE_DEFAULT_ADMIN_LISTEN"), "0.0.0.0:8045"},
			{"which whatever is said counts over", r.env("SLUICE_ADMIN_LISTEN"), "(not set)"},
			{"no public face", r.env("SLUICE_HTTP_LISTEN"), "127.0.0.1:0"},
			{"media", r.env("SLUICE_RTC_PORT"), "8443"},
			{"media by TCP, whatever rtcd's variables make of it", r.env("SLUICE_RTC_TCP_PORT"), "8443"},
			{"store", server.VolumeMounts[0].MountPath, r.env("SLUICE_STORE_DIRECTORY")},
			{"volume", pod.Volumes[0].EmptyDir != nil, true},
			{"ingress", r.ingress == nil, true},
		}
	}},
	{name: "the values of the Calls guide", file: "guide.yaml", fields: func(r *rendered) []field {
		pod, server := r.pod().Spec, r.server()
		return []field{
			{"kind", r.daemonset != nil && r.deployment == nil, true},
			{"image", server.Image, "registry.example/sluice:v1"},
			{"self-registration", r.env("RTCD_API_SECURITY_ALLOWSELFREGISTRATION"), "true"},
			{"ice servers", r.env("RTCD_RTC_ICESERVERS"), `[{"urls":["stun:stun.example:3478"]}]`},
			{"level", r.env("RTCD_LOGGER_CONSOLELEVEL"), "DEBUG"},
			{"file", r.env("RTCD_LOGGER_ENABLEFILE"), "false"},
			{"update", string(r.daemonset.Spec.UpdateStrategy.Type), "RollingUpdate"},
			{"unavailable", r.daemonset.Spec.UpdateStrategy.RollingUpdate.MaxUnavailable.IntValue(), 1},
			{"grace", *pod.TerminationGracePeriodSeconds, int64(18000)},
			{"served", r.served(), "8045/TCP to api\n8443/UDP to rtc-udp\n8443/TCP to rtc-tcp"},
			{"cpu", server.Resources.Limits.Cpu().String(), "7800m"},
			{"memory", server.Resources.Requests.Memory().String(), "32Mi"},
			{"node", pod.NodeSelector, map[string]string{"kops.k8s.io/instancegroup": "rtcd"}},
			{"toleration", pod.Tolerations, []core.Toleration{{Key: "rtcd", Operator: "Equal", Value: "true", Effect: "NoSchedule"}}},
			{"dns", *pod.DNSConfig.Options[0].Value, "1"},
			{"hostNetwork", pod.HostNetwork, true},
			{"affinity", pod.Affinity == nil, true},
		}
	}},
	{name: "behind a load balancer, with rtcd's present values", file: "balanced.yaml", fields: func(r *rendered) []field {
		pod, server := r.pod().Spec, r.server()
		path := r.ingress.Spec.Rules[0].HTTP.Paths[1]
		return []field{
			{"kind", r.deployment != nil, true},
			{"name", r.deployment.Name, "media"},
			{"update", string(r.deployment.Spec.Strategy.Type), "Recreate"},
			{"rolling", r.deployment.Spec.Strategy.RollingUpdate == nil, true},
			{"hostNetwork", pod.HostNetwork, false},
			{"dnsPolicy", pod.DNSPolicy, core.DNSClusterFirst},
			{"ports", r.ports(), "api 9045/TCP\nrtc-udp 3478/UDP\nrtc-tcp 3478/TCP\nhttp 8080/TCP"},
			{"served", r.served(), "9045/TCP to api\n3478/UDP to rtc-udp\n3478/TCP to rtc-tcp\n8080/TCP to http"},
			{"type", string(r.service.Spec.Type), "LoadBalancer"},
			{"traffic", string(r.service.Spec.ExternalTrafficPolicy), "Local"},
			{"no cluster address is asked for", r.service.Spec.ClusterIP, ""},
			{"annotation", r.service.Annotations["example.org/balancer"], "network"},
			{"plain text", r.env("RTCD_RTC_ICEHOSTOVERRIDE"), "media.example"},
			{"a list", r.env("RTCD_RTC_ICESERVERS"), `[{"urls":["stun:stun.example:3478"]}]`},
			{"a truth", r.env("RTCD_API_SECURITY_ENABLEADMIN"), "true"},
			{"a million", r.env("SLUICE_RTC_PACKET_POOL"), "1000000"},
			{"given over ours", r.env("SLUICE_DRAIN_DEADLINE"), "1h"},
			{"secret", server.Env[len(server.Env)-1].ValueFrom.SecretKeyRef.Key, "secret"},
			{"public face", r.env("SLUICE_HTTP_LISTEN"), "0.0.0.0:8080"},
			{"private face", r.env("SLUICE_DEFAULT_ADMIN_LISTEN"), "0.0.0.0:9045"},
			{"rtcd's variable, which counts over it", r.env("RTCD_API_HTTP_LISTENADDRESS"), "10.0.0.1:9045"},
			{"media", r.env("SLUICE_RTC_PORT"), "3478"},
			{"media by TCP, whatever rtcd's variables make of it", r.env("SLUICE_RTC_TCP_PORT"), "3478"},
			{"account", pod.ServiceAccountName, "runner"},
			{"no account made", r.account == nil, true},
			{"pull", pod.ImagePullSecrets[0].Name, "pull"},
			{"annotated", r.pod().Annotations["prometheus.io/scrape"], "true"},
			{"user", *pod.SecurityContext.RunAsUser, int64(1000)},
			{"still not root", *pod.SecurityContext.RunAsNonRoot, true},
			{"writable", *server.SecurityContext.ReadOnlyRootFilesystem, false},
			{"claim", pod.Volumes[0].PersistentVolumeClaim.ClaimName, "keys"},
			{"no emptyDir beside it", pod.Volumes[0].EmptyDir == nil, true},
			{"volume", pod.Volumes[1].Secret.SecretName, "tls"},
			{"mount", server.VolumeMounts[1].MountPath, "/tls"},
			{"affinity", pod.Affinity.PodAntiAffinity == nil, true},
			{"class", *r.ingress.Spec.IngressClassName, "nginx"},
			{"path", path.Path, "/whep"},
			{"to", path.Backend.Service.Port.Name, "http"},
		}
	}},
	{name: "ports of the host only if wanted", set: map[string]interface{}{"networking.useHostPort": false},
		fields: func(r *rendered) []field {
			return []field{
				{"ports", r.ports(), "api 8045/TCP\nrtc-udp 8443/UDP\nrtc-tcp 8443/TCP"},
				{"hostNetwork", r.pod().Spec.HostNetwork, true},
			}
		}},
	{name: "deploymentType counts over a daemonset block", file: "guide.yaml", set: map[string]interface{}{"deploymentType": "deployment"},
		fields: func(r *rendered) []field {
			return []field{{"kind", r.deployment != nil, true}, {"level", r.env("RTCD_LOGGER_CONSOLELEVEL"), "DEBUG"}}
		}},
	{name: "probes over TLS", set: map[string]interface{}{"probes.scheme": "HTTPS"}, fields: func(r *rendered) []field {
		return []field{{"scheme", r.server().LivenessProbe.HTTPGet.Scheme, core.URISchemeHTTPS}}
	}},
	{name: "an unknown kind is refused", set: map[string]interface{}{"deploymentType": "job"}, refused: "neither deployment nor daemonset"},
	{name: "no image, no pod", set: map[string]interface{}{"image.repository": ""}, refused: "image.repository is empty"},
	{name: "a grace shorter than its margin is refused", set: map[string]interface{}{"configuration.terminationGracePeriod": 5}, refused: "shorter than drainMargin"},
	{name: "an ingress to what is not served is refused", set: map[string]interface{}{"ingress.enabled": true, "ingress.port": "http"}, refused: "publicPort is 0"},
}
