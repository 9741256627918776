package main

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/lienthong/lienthong/cmd/lienthong/config"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/audit"
	"github.com/lienthong/lienthong/fhir/authentication"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/jwt"
	"github.com/lienthong/lienthong/fhir/openid"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/setting"
	"github.com/lienthong/lienthong/fhir/signin"
	"github.com/lienthong/lienthong/fhir/smart"
	"github.com/lienthong/lienthong/fhir/store"
)

// door is how requests come in: who is asked, and what is said to those who are not let in.
type door struct {
	authenticate func(*http.Request) (context.Context, error)
	challenge    func(error) string
	security     []byte    // of the CapabilityStatement
	warning      [2]string // where nobody is asked: English, Vietnamese
	smart        *smart.Server
	signIn       *signin.Service // nil = tokens alone
	origins      []string
}

// unguarded is what is said where nobody is asked who he is.
var unguarded = [2]string{
	"This server asks nobody who they are: whoever reaches it sees and changes everything. It is for trials with invented data.",
	"Máy chủ này không hỏi danh tính của ai: bất cứ ai truy cập được đều xem và sửa được mọi dữ liệu. Chỉ dùng để thử với dữ liệu giả.",
}

// openDoor makes the door that the settings ask for. base is the FHIR base as tokens have it.
func (n *node) openDoor(a config.Authentication, base, path string, log *slog.Logger) (*door, error) {
	d := &door{origins: a.CORSOrigins, challenge: authentication.Challenge}
	own := a.Own
	if !a.Asked() && own == nil {
		d.authenticate, d.warning = unauthenticated, unguarded
		return d, nil
	}
	n.asks = true
	fetch, err := jwt.NewFetcher(a.KeyHosts, a.PrivateHosts)
	if err != nil {
		return nil, err
	}
	kept := map[string]*jwt.Remote{}
	report := func(flag string) func(error) {
		return func(err error) {
			log.Error("a file that changed cannot be used: what was there stays", "setting", flag, "err", err)
		}
	}
	if a.Clients != "" {
		clients, err := setting.Open(a.Clients, func(raw []byte) (smart.Clients, error) { return smart.ParseClients(raw, fetch, kept, nil) }, report("clients"))
		if err != nil {
			return nil, err
		}
		keys, err := setting.Open(a.TokenKey, func(raw []byte) (*jwt.Signer, error) { return jwt.ParseSigner(smart.TokenType, raw) }, report("token-key"))
		if err != nil {
			return nil, err
		}
		d.smart = smart.New(smart.Config{Base: base, Issuer: tokenIssuer(base), Store: n.store, Clients: clients.Get, Signer: keys.Get, Log: log, Known: inTrail})
		n.clients = clients.Get
		d.security = smartSecurity(d.smart.TokenURL(), len(a.CORSOrigins) > 0)
	}
	issuers := own
	if a.Issuers != "" {
		kept := map[string]*jwt.Remote{}
		file, err := setting.Open(a.Issuers, func(raw []byte) (openid.Issuers, error) { return openid.ParseIssuers(raw, fetch, kept, nil) }, report("issuers"))
		if err != nil {
			return nil, err
		}
		issuers = file.Get
	}
	if a.Own != nil {
		d.warning = unguarded // the demo lets in also who shows no token
	}
	if d.signIn, err = n.openSignIn(a, issuers, base, log); err != nil {
		return nil, err
	}
	guard := authentication.New(authentication.Config{Smart: d.smart, Issuers: issuers, Person: n.person, SignIn: d.signIn, Fence: n.fence, BasePath: path})
	d.authenticate = func(r *http.Request) (context.Context, error) {
		if a.Own != nil && len(r.Header["Authorization"]) == 0 && !d.signIn.Has(r) {
			return unauthenticated(r)
		}
		ctx, err := guard.Authenticate(r)
		if err != nil {
			return nil, err
		}
		if c := access.Calling(ctx); c != nil {
			audit.TrailOf(ctx).Caller(c)
			if c.BreakGlass != "" {
				return ctx, n.tries().Glass(ctx, *c)
			}
		}
		return ctx, nil
	}
	return d, nil
}

// inTrail says in the trail of a request who asks.
func inTrail(ctx context.Context, c access.Caller) { audit.TrailOf(ctx).Caller(&c) }

// unauthenticated lets everybody see and change everything. It is no context of ours: what they see is in the trail.
func unauthenticated(r *http.Request) (context.Context, error) {
	if sender, ok := r.Context().Value(senderKey{}).(fhir.ID); ok {
		return store.WithFence(r.Context(), allOnBehalfOf(sender)), nil
	}
	return store.WithFence(r.Context(), store.OpenFence()), nil
}

// tokenIssuer is beside the FHIR base: https://records.example/auth.
func tokenIssuer(base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return base + "/auth"
	}
	return u.Scheme + "://" + u.Host + "/auth"
}

// smartSecurity is CapabilityStatement.rest.security.
// Source: https://hl7.org/fhir/smart-app-launch/conformance.html
func smartSecurity(token string, cors bool) []byte {
	return []byte(`{"cors":` + strconv.FormatBool(cors) + `,"service":[{"coding":[{"system":"http://terminology.hl7.org/CodeSystem/restful-security-service","code":"SMART-on-FHIR"}]}],` +
		`"extension":[{"url":"http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris","extension":[{"url":"token","valueUri":"` + strings.ReplaceAll(token, `"`, "") + `"}]}]}`)
}

// fence gives what a caller may see and change. A citizen whose record was merged with others has all of them, from the
// moment of the merge to that of its end.
func (n *node) fence(ctx context.Context, c access.Caller) (store.Fence, error) {
	if c.Patient != "" {
		ids, err := n.service.Person(ours(ctx), c.Patient)
		if err != nil {
			return store.Fence{}, err
		}
		c.Merged = ids[1:]
	}
	return n.policies.Fence(ctx, c)
}

// personMost bounds how many Patients are looked at for one who holds a number: others have it as an old one.
const personMost = 100

// person finds the one patient who holds an identifier now. One who has it as an old number, as anybody may write it, is not that one and
// does not stand in the way of him either.
func (n *node) person(ctx context.Context, system, value string) (fhir.ID, bool, error) {
	ctx = ours(ctx)
	query := url.Values{"identifier": {system + "|" + search.EscapeValue(value)}, "active:not": {"false"}, "_count": {strconv.Itoa(personMost)}}.Encode()
	page, err := n.service.Search(ctx, "Patient", query, interaction.SearchOptions{})
	if err != nil || page.Next != nil {
		return "", false, err
	}
	var holder fhir.ID
	for _, f := range page.Matches {
		doc, err := resource.New(f.Stored.Body)
		if err != nil {
			return "", false, err
		}
		switch {
		case !n.facilities.Systems.Holds(doc.Root(), system, value):
		case holder != "":
			return "", false, nil
		default:
			holder = f.Key.ID
		}
	}
	return holder, holder != "", nil
}
