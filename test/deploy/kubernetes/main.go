// Reads Kubernetes documents (YAML) from standard input as an API server would, and prints what is wrong with them:
// unknown kinds and fields, values of a wrong form, labels and names that are none, ports nobody declares, and what the
// Pod Security profile `restricted` refuses. One line of JSON for each document.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/yaml"
	security "k8s.io/pod-security-admission/api"
	checks "k8s.io/pod-security-admission/policy"
	gateway "sigs.k8s.io/gateway-api/apis/v1"
)

type verdict struct {
	Kind     string   `json:"kind"`
	Name     string   `json:"name"`
	Problems []string `json:"problems"`
}

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{
		apps.AddToScheme, autoscaling.AddToScheme, core.AddToScheme, networking.AddToScheme,
		policy.AddToScheme, monitoring.AddToScheme, gateway.Install,
	} {
		if err := add(scheme); err != nil {
			return err
		}
	}
	// Strict: a field that the type does not have, or that stands there twice, is an error.
	decoder := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	evaluator, err := checks.NewEvaluator(checks.DefaultChecks(), nil)
	if err != nil {
		return err
	}
	reader := yaml.NewYAMLReader(bufio.NewReader(in))
	encoder := json.NewEncoder(out)
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if isEmpty(document) {
			continue
		}
		if err := encoder.Encode(judge(decoder, evaluator, document)); err != nil {
			return err
		}
	}
}

// Only comments and white space: what a template leaves that renders nothing.
func isEmpty(document []byte) bool {
	for _, line := range bytes.Split(document, []byte("\n")) {
		line = bytes.TrimSpace(line)
		if len(line) > 0 && line[0] != '#' && !bytes.Equal(line, []byte("---")) {
			return false
		}
	}
	return true
}

func judge(decoder runtime.Decoder, evaluator checks.Evaluator, document []byte) verdict {
	found := verdict{Problems: []string{}}
	complain := func(format string, values ...any) {
		found.Problems = append(found.Problems, fmt.Sprintf(format, values...))
	}
	object, kind, err := decoder.Decode(document, nil, nil)
	if kind != nil {
		found.Kind = kind.Kind
	}
	if err != nil {
		complain("%v", err)
		if object == nil {
			return found
		}
	}
	named, err := meta.Accessor(object)
	if err != nil {
		complain("%v", err)
		return found
	}
	found.Name = named.GetName()
	for _, problem := range validation.IsDNS1123Label(named.GetName()) {
		complain("name: %s", problem)
	}
	checkLabels(complain, named.GetLabels())
	for key := range named.GetAnnotations() {
		for _, problem := range validation.IsQualifiedName(key) {
			complain("annotation %s: %s", key, problem)
		}
	}
	switch it := object.(type) {
	case *apps.Deployment:
		selector, err := metav1.LabelSelectorAsSelector(it.Spec.Selector)
		if err != nil {
			complain("%v", err)
		} else if !selector.Matches(labelSet(it.Spec.Template.Labels)) {
			complain("its selector does not select its own pods")
		}
		checkLabels(complain, it.Spec.Template.Labels)
		checkPod(complain, evaluator, &it.Spec.Template.ObjectMeta, &it.Spec.Template.Spec)
	case *core.Pod:
		checkPod(complain, evaluator, &it.ObjectMeta, &it.Spec)
	}
	return found
}

func checkLabels(complain func(string, ...any), labels map[string]string) {
	for key, value := range labels {
		for _, problem := range append(validation.IsQualifiedName(key), validation.IsValidLabelValue(value)...) {
			complain("label %s: %s", key, problem)
		}
	}
}

func checkPod(complain func(string, ...any), evaluator checks.Evaluator, of *metav1.ObjectMeta, pod *core.PodSpec) {
	restricted := security.LevelVersion{Level: security.LevelRestricted, Version: security.LatestVersion()}
	for _, result := range evaluator.EvaluatePod(restricted, of, pod) {
		if !result.Allowed {
			complain("restricted: %s: %s", result.ForbiddenReason, result.ForbiddenDetail)
		}
	}
	volumes := map[string]bool{}
	for _, volume := range pod.Volumes {
		volumes[volume.Name] = true
	}
	for _, container := range append(append([]core.Container{}, pod.InitContainers...), pod.Containers...) {
		ports := map[string]bool{}
		for _, port := range container.Ports {
			for _, problem := range validation.IsValidPortName(port.Name) {
				complain("port %s: %s", port.Name, problem)
			}
			ports[port.Name] = true
		}
		for _, probe := range []*core.Probe{container.StartupProbe, container.LivenessProbe, container.ReadinessProbe} {
			if probe == nil {
				continue
			}
			if probe.HTTPGet != nil && !ports[probe.HTTPGet.Port.StrVal] {
				complain("a probe asks at port %s, which %s has not", probe.HTTPGet.Port.StrVal, container.Name)
			}
			if probe.TCPSocket != nil && !ports[probe.TCPSocket.Port.StrVal] {
				complain("a probe asks at port %s, which %s has not", probe.TCPSocket.Port.StrVal, container.Name)
			}
		}
		for _, mount := range container.VolumeMounts {
			if !volumes[mount.Name] {
				complain("%s mounts %s, which the pod has not", container.Name, mount.Name)
			}
		}
		for _, variable := range container.Env {
			for _, problem := range validation.IsEnvVarName(variable.Name) {
				complain("variable %s: %s", variable.Name, problem)
			}
		}
	}
}

type labelSet map[string]string

func (set labelSet) Has(label string) bool   { _, has := set[label]; return has }
func (set labelSet) Get(label string) string { return set[label] }
func (set labelSet) Lookup(label string) (string, bool) {
	value, has := set[label]
	return value, has
}
