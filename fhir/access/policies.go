package access

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/store"
)

// BuiltIn is the policy that is in force where no file is given.
//
//go:embed policy.yaml
var BuiltIn []byte

// Config of Policies.
type Config struct {
	File   string                // "" = BuiltIn
	Search func() search.Options // how criteria are bound, as of now; nil = the defaults
	Now    func() time.Time      // of consents; nil = time.Now
	Log    *slog.Logger          // nil = slog.Default()
}

// Policies is the policy in force. A file that changes is read again within a second of the next request; one with a fault
// leaves the policy before it in force. It is safe for concurrent use.
type Policies struct {
	c Config

	mu     sync.Mutex // guards what follows; under it the file is read, at most once a second
	policy *Policy
	text   []byte // that was last looked at, good or bad
	looked time.Time
	fences map[string]store.Fence // by policy and caller
}

// maxFences bounds the fences that are kept; when there are more, all are made anew.
const maxFences = 4096

// Open reads the policy.
func Open(c Config) (*Policies, error) {
	if c.Search == nil {
		c.Search = func() search.Options { return search.Options{} }
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	p := &Policies{c: c, text: BuiltIn}
	var err error
	if c.File != "" {
		if p.text, err = os.ReadFile(c.File); err != nil {
			return nil, fmt.Errorf("the policy file cannot be read: %w", err)
		}
	}
	if p.policy, err = ReadPolicy(p.text, c.Search()); err != nil {
		return nil, fmt.Errorf("%s: %w", p.name(), err)
	}
	p.looked, p.fences = c.Now(), map[string]store.Fence{}
	return p, nil
}

func (p *Policies) name() string {
	if p.c.File == "" {
		return "the built-in policy"
	}
	return p.c.File
}

// Version names the policy in force.
func (p *Policies) Version() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.look()
	return p.policy.Version
}

// Fence gives what a caller may see and change; a caller whose role has no rules gets the fence that allows nothing. The
// role of the server itself is refused: no token gives it.
func (p *Policies) Fence(ctx context.Context, c Caller) (store.Fence, error) {
	if c.Role == RoleService {
		return store.Fence{}, fhir.Errorf(fhir.Denied, "policy-service", "")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.look()
	role := p.policy.roles[c.Role]
	if role == nil {
		return store.Fence{}, nil
	}
	if c.Purpose == "" {
		c.Purpose = role.purpose
		if c.BreakGlass != "" {
			c.Purpose = "ETREAT"
		}
	}
	o := p.c.Search()
	key := fmt.Sprintf("%s %p %s", p.policy.Version, o.Registry, fenceKey(c))
	if f, ok := p.fences[key]; ok {
		return f, nil
	}
	o.Context, o.Apart = ctx, true
	made := compiler{policy: role, caller: c, options: o, now: p.c.Now}
	f, err := made.fence()
	if err != nil { // it was checked when it was read: a search parameter is gone
		p.c.Log.ErrorContext(ctx, "a rule of the policy cannot be followed any more and allows nothing", "policy", p.name(), "role", string(c.Role), "err", wordsOf(err))
		return f, nil
	}
	if len(p.fences) >= maxFences {
		clear(p.fences)
	}
	p.fences[key] = f
	return f, nil
}

// fenceKey has all of a caller that a fence is made of.
func fenceKey(c Caller) string {
	glass := "whole"
	if c.BreakGlass != "" {
		glass = "broken"
	}
	kind := "person"
	if c.System {
		kind = "system"
	}
	return strings.Join(append([]string{kind, string(c.Role), string(c.Organization), string(c.Practitioner), fmt.Sprint(c.patients()),
		c.Purpose, glass}, c.Scopes...), "\x00")
}

// look reads the file again if the last look is a second old.
func (p *Policies) look() {
	if p.c.File == "" || p.c.Now().Sub(p.looked) < time.Second {
		return
	}
	p.looked = p.c.Now()
	text, err := os.ReadFile(p.c.File)
	if err != nil {
		p.c.Log.Error("the policy file cannot be read; the policy before stays in force", "file", p.c.File, "version", p.policy.Version, "err", err)
		return
	}
	if bytes.Equal(text, p.text) {
		return
	}
	p.text = text
	next, err := ReadPolicy(text, p.c.Search())
	if err != nil {
		p.c.Log.Error("the policy file has a fault; the policy before stays in force", "file", p.c.File, "version", p.policy.Version, "err", err)
		return
	}
	p.policy = next
	clear(p.fences)
	p.c.Log.Warn("the policy has changed", "file", p.c.File, "version", next.Version)
}
