// Renders the Helm chart by Helm's own engine, where a missing value is an error, decodes what
// comes into the types of Kubernetes, where an unknown field is one, and looks at the fields.
//
// usage: chart CHART VALUES-DIRECTORY
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	"sigs.k8s.io/yaml"
)

// What one set of values makes.
type rendered struct {
	daemonset  *apps.DaemonSet
	deployment *apps.Deployment
	service    *core.Service
	account    *core.ServiceAccount
	ingress    *networking.Ingress
}

func (r *rendered) pod() *core.PodTemplateSpec {
	if r.daemonset != nil {
		return &r.daemonset.Spec.Template
	}
	return &r.deployment.Spec.Template
}

// Its one container.
func (r *rendered) server() *core.Container {
	return &r.pod().Spec.Containers[0]
}

func (r *rendered) env(name string) string {
	for _, v := range r.server().Env {
		if v.Name == name {
			return v.Value
		}
	}
	return "(not set)"
}

// "api 8045/TCP host 8045", one a line.
func (r *rendered) ports() string {
	var lines []string
	for _, p := range r.server().Ports {
		line := fmt.Sprintf("%s %d/%s", p.Name, p.ContainerPort, p.Protocol)
		if p.HostPort != 0 {
			line += fmt.Sprintf(" host %d", p.HostPort)
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func (r *rendered) served() string {
	var lines []string
	for _, p := range r.service.Spec.Ports {
		lines = append(lines, fmt.Sprintf("%d/%s to %s", p.Port, p.Protocol, p.TargetPort.String()))
	}
	return strings.Join(lines, "\n")
}

// An object goes where its kind says.
func (r *rendered) take(text string) error {
	var kind struct {
		Kind string `json:"kind"`
	}
	if err := yaml.Unmarshal([]byte(text), &kind); err != nil {
		return err
	}
	var into interface{}
	switch kind.Kind {
	case "DaemonSet":
		r.daemonset = &apps.DaemonSet{}
		into = r.daemonset
	case "Deployment":
		r.deployment = &apps.Deployment{}
		into = r.deployment
	case "Service":
		r.service = &core.Service{}
		into = r.service
	case "ServiceAccount":
		r.account = &core.ServiceAccount{}
		into = r.account
	case "Ingress":
		r.ingress = &networking.Ingress{}
		into = r.ingress
	default:
		return fmt.Errorf("an object of kind %q", kind.Kind)
	}
	return yaml.UnmarshalStrict([]byte(text), into)
}

func render(c *chart.Chart, values map[string]interface{}) (*rendered, error) {
	release := chartutil.ReleaseOptions{Name: "calls", Namespace: "rtc", Revision: 1, IsInstall: true}
	all, err := chartutil.ToRenderValues(c, values, release, chartutil.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	files, err := engine.Engine{Strict: true}.Render(c, all)
	if err != nil {
		return nil, err
	}
	r := &rendered{}
	for name, text := range files {
		if !strings.HasSuffix(name, ".yaml") || strings.TrimSpace(text) == "" {
			continue
		}
		if err := r.take(text); err != nil {
			return nil, fmt.Errorf("%s: %w", filepath.Base(name), err)
		}
	}
	return r, nil
}

var passed, failed int

func report(name string, wrong ...string) {
	if len(wrong) == 0 {
		passed++
		fmt.Println("ok   helm", name)
		return
	}
	failed++
	for _, w := range wrong {
		fmt.Println("    ", w)
	}
	fmt.Println("FAIL helm", name)
}

// Each is false in its own words.
func (row *row) hold(r *rendered) []string {
	var wrong []string
	for _, f := range row.fields(r) {
		if !reflect.DeepEqual(f.got, f.want) {
			wrong = append(wrong, fmt.Sprintf("%s: %v, not %v", f.name, f.got, f.want))
		}
	}
	return wrong
}

func read(dir, name string) (map[string]interface{}, error) {
	values := map[string]interface{}{}
	if name == "" {
		return values, nil
	}
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	return values, yaml.UnmarshalStrict(text, &values)
}

func try(c *chart.Chart, dir string, row *row) []string {
	values, err := read(dir, row.file)
	if err != nil {
		return []string{err.Error()}
	}
	for path, v := range row.set {
		at := values
		keys := strings.Split(path, ".")
		for _, k := range keys[:len(keys)-1] {
			if _, there := at[k]; !there {
				at[k] = map[string]interface{}{}
			}
			at = at[k].(map[string]interface{})
		}
		at[keys[len(keys)-1]] = v
	}
	r, err := render(c, values)
	switch {
	case row.refused != "" && err == nil:
		return []string{"it is rendered"}
	case row.refused != "" && !strings.Contains(err.Error(), row.refused):
		return []string{err.Error()}
	case row.refused != "":
		return nil
	case err != nil:
		return []string{err.Error()}
	}
	return row.hold(r)
}

func main() {
	path, dir := os.Args[1], os.Args[2]
	c, err := loader.Load(path)
	if err != nil {
		fmt.Println("FAIL helm", err)
		os.Exit(1)
	}
	var wrong []string
	for _, m := range lint.All(path, map[string]interface{}{}, "rtc", true).Messages {
		if m.Severity >= support.WarningSev {
			wrong = append(wrong, m.Error())
		}
	}
	report("the chart pleases helm lint", wrong...)
	for i := range rows {
		report(rows[i].name, try(c, dir, &rows[i])...)
	}
	fmt.Printf("%d passed, %d failed\n", passed, failed)
	if failed > 0 {
		os.Exit(1)
	}
}
