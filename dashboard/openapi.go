package dashboard

import (
	"fmt"
	"maps"
	"net/http"
	"path"
	"reflect"
	"slices"
	"strings"

	"github.com/swaggest/jsonschema-go"
	"github.com/swaggest/openapi-go"
	"github.com/swaggest/openapi-go/openapi31"
)

// document makes the OpenAPI 3.1 document of the operations, by reflection on what they take and give, and by the code's own words.
func document(operations []operation, version string) (*openapi31.Spec, error) {
	w, err := readWords()
	if err != nil {
		return nil, err
	}
	return documentBy(newDescriber(w), operations, version)
}

func documentBy(d *describer, operations []operation, version string) (*openapi31.Spec, error) {
	reflector := openapi31.NewReflector()
	reflector.DefaultOptions = append(reflector.DefaultOptions,
		jsonschema.InterceptDefName(schemaName), jsonschema.InterceptSchema(d.schema), jsonschema.InterceptProp(d.property))
	spec := reflector.Spec
	spec.SetTitle("Spoor")
	spec.SetVersion(version)
	spec.SetDescription("Everything that the pages show and do. Times are RFC 3339 in UTC. " +
		"A refusal is an object with `error`, in words, and `code`, which stays the same; where one part of the request is to blame, `field` and `value` name it.")
	spec.SetHTTPBasicSecurity("password", "The dashboard's password, with any user name. It may do everything.")
	spec.SetHTTPBearerTokenSecurity("token", "", "A token of the scope read or admin, made with `spoor token create`.")
	for _, o := range operations {
		o.sample = maps.Clone(o.sample)
		for i, x := range d.Examples[o.id] {
			o.sample[fmt.Sprintf("%s %d", x.Name, i+1)] = x.Question
		}
		if err := o.describe(reflector); err != nil {
			return nil, fmt.Errorf("describing %s: %w", o.route, err)
		}
	}
	return spec, nil
}

func (o operation) describe(reflector *openapi31.Reflector) error {
	method, pattern, _ := strings.Cut(o.route, " ")
	about, err := reflector.NewOperationContext(method, pattern)
	if err != nil {
		return err
	}
	about.SetID(o.id)
	about.SetTags(o.group)
	about.SetSummary(o.title)
	about.SetDescription(strings.TrimSpace(o.about + "\n\nNeeds the scope `" + string(o.scope) + "`."))
	about.AddSecurity("token", string(o.scope))
	about.AddSecurity("password")
	if o.params != nil {
		about.AddReqStructure(o.params)
	}
	if o.body != nil {
		about.AddReqStructure(o.body, openapi.WithCustomize(o.samples))
	}
	status := o.status
	if status == 0 {
		status = http.StatusOK
	}
	if o.gives != nil {
		about.AddRespStructure(o.gives, openapi.WithHTTPStatus(status))
	}
	for _, kind := range o.types {
		about.AddRespStructure("", openapi.WithHTTPStatus(status), openapi.WithContentType(kind))
	}
	if o.heads != nil || (o.gives == nil && o.types == nil) {
		about.AddRespStructure(o.heads, openapi.WithHTTPStatus(status))
	}
	refusals := append([]int{http.StatusUnauthorized, http.StatusForbidden, http.StatusInternalServerError}, o.refuse...)
	slices.Sort(refusals)
	for _, status := range slices.Compact(refusals) {
		about.AddRespStructure(fault{}, openapi.WithHTTPStatus(status))
	}
	return reflector.AddOperation(about)
}

// samples puts the examples beside the body's schema, and says that there must be a body.
func (o operation) samples(content openapi.ContentOrReference) {
	body, ok := content.(*openapi31.RequestBodyOrReference)
	if !ok || body.RequestBody == nil {
		return
	}
	body.RequestBody.WithRequired(true)
	media := body.RequestBody.Content["application/json"]
	for name, value := range o.sample {
		media.WithExamplesItem(name, openapi31.ExampleOrReference{Example: (&openapi31.Example{}).WithValue(value)})
	}
	body.RequestBody.WithContentItem("application/json", media)
}

// schemaName calls a type by its room and its name, one of this room by its name, and one that is made of another by
// both names: SavedReportDocument.
func schemaName(t reflect.Type, _ string) string {
	name := t.Name()
	outer, inner, made := strings.Cut(name, "[")
	if !made {
		return roomOf(t.PkgPath()) + capital(name)
	}
	// The name of what it is made of is written with its path: documentOf[github.com/spoorhq/spoor/saved.Report].
	inner = strings.TrimSuffix(inner, "]")
	dot := strings.LastIndex(inner, ".")
	return roomOf(inner[:max(dot, 0)]) + capital(inner[dot+1:]) + strings.TrimSuffix(capital(outer), "Of")
}

func roomOf(pkg string) string {
	if room := path.Base(pkg); pkg != "" && room != "dashboard" {
		return capital(room)
	}
	return ""
}

func capital(name string) string { return strings.ToUpper(name[:1]) + name[1:] }

func (d *Dashboard) openAPI(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-cache")
	_, _ = w.Write(d.apiJSON) // the client is gone: there is nobody to tell
}
