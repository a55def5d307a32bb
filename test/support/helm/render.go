// Renders a chart as Helm does, for tests where no Helm is at hand: Go's text/template with sprig and the functions that
// Helm adds, over the default values merged with those of files. Not done: lookup (there is no cluster), subcharts, hooks' order.
//
//	render CHART RELEASE NAMESPACE [VALUES-FILE …]   prints {"template's path": "its output", …}
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig"
	"sigs.k8s.io/yaml"
)

type object = map[string]interface{}

// files is what a chart may read with .Files.Get: all that is in it but its templates.
type files string

func (root files) Get(name string) (string, error) {
	content, err := os.ReadFile(filepath.Join(string(root), name))
	return string(content), err
}

// versions answers .Capabilities.APIVersions.Has: a cluster with everything.
type versions struct{}

func (versions) Has(string) bool { return true }

func main() {
	if err := run(os.Args[1], os.Args[2], os.Args[3], os.Args[4:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(chart, release, namespace string, valueFiles []string) error {
	values, about := object{}, object{}
	if err := readYAML(filepath.Join(chart, "Chart.yaml"), &about); err != nil {
		return err
	}
	for _, file := range append([]string{filepath.Join(chart, "values.yaml")}, valueFiles...) {
		more := object{}
		if err := readYAML(file, &more); err != nil {
			return err
		}
		values = merged(values, more)
	}
	// Chart.yaml is read in lower case and seen by templates in upper case, as Helm's struct has it.
	upper := object{}
	for key, value := range about {
		upper[strings.ToUpper(key[:1])+key[1:]] = value
	}
	context := object{
		"Values":  values,
		"Chart":   upper,
		"Files":   files(chart),
		"Release": object{"Name": release, "Namespace": namespace, "Service": "Helm", "IsInstall": true, "IsUpgrade": false, "Revision": 1},
		"Capabilities": object{
			"KubeVersion": object{"Version": "v1.34.0", "Major": "1", "Minor": "34"},
			"APIVersions": versions{},
		},
	}
	engine := template.New("chart").Option("missingkey=zero")
	engine.Funcs(sprig.TxtFuncMap()).Funcs(helmFunctions(engine))
	paths, err := filepath.Glob(filepath.Join(chart, "templates", "*"))
	if err != nil {
		return err
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if _, err := engine.New(filepath.Base(path)).Parse(string(text)); err != nil {
			return err
		}
	}
	rendered := map[string]string{}
	for _, path := range paths {
		name := filepath.Base(path)
		if strings.HasPrefix(name, "_") {
			continue
		}
		context["Template"] = object{"Name": about["name"].(string) + "/templates/" + name, "BasePath": about["name"].(string) + "/templates"}
		var out bytes.Buffer
		if err := engine.ExecuteTemplate(&out, name, context); err != nil {
			return err
		}
		// What Helm's engine does with a value that is not there.
		rendered[name] = strings.ReplaceAll(out.String(), "<no value>", "")
	}
	return json.NewEncoder(os.Stdout).Encode(rendered)
}

func helmFunctions(engine *template.Template) template.FuncMap {
	execute := func(in *template.Template, name string, data interface{}) (string, error) {
		var out bytes.Buffer
		err := in.ExecuteTemplate(&out, name, data)
		return out.String(), err
	}
	return template.FuncMap{
		"include": func(name string, data interface{}) (string, error) { return execute(engine, name, data) },
		"tpl": func(text string, data interface{}) (string, error) {
			copied, err := engine.Clone()
			if err != nil {
				return "", err
			}
			if _, err := copied.New("tpl").Parse(text); err != nil {
				return "", err
			}
			return execute(copied, "tpl", data)
		},
		"toYaml": func(value interface{}) (string, error) {
			out, err := yaml.Marshal(value)
			return strings.TrimSuffix(string(out), "\n"), err
		},
		"fromYaml": func(text string) (object, error) {
			value := object{}
			err := yaml.Unmarshal([]byte(text), &value)
			return value, err
		},
		"required": func(warning string, value interface{}) (interface{}, error) {
			if value == nil || value == "" {
				return nil, errors.New(warning)
			}
			return value, nil
		},
		"fail": func(message string) (string, error) { return "", errors.New(message) },
	}
}

// merged lays b over a; a null takes a key away.
func merged(a, b object) object {
	out := object{}
	for key, value := range a {
		out[key] = value
	}
	for key, value := range b {
		below, isBelow := out[key].(map[string]interface{})
		above, isAbove := value.(map[string]interface{})
		switch {
		case value == nil:
			delete(out, key)
		case isBelow && isAbove:
			out[key] = merged(below, above)
		default:
			out[key] = value
		}
	}
	return out
}

// readYAML also takes JSON, of which YAML is a superset; a key that is given twice is an error.
func readYAML(path string, into *object) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := yaml.UnmarshalStrict(content, into); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
