package access

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/binary"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/r4"
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
	fences map[fenceName]store.Fence
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
	p.looked, p.fences = c.Now(), map[fenceName]store.Fence{}
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

// AnyFacility says whether the policy lets a role write of facilities that are not the caller's own.
func (p *Policies) AnyFacility(r Role) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.look()
	role := p.policy.roles[r]
	return role != nil && role.facilities
}

// MayWrite says whether the policy lets a role write anything of a type.
func (p *Policies) MayWrite(r Role, t fhir.Type) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.look()
	role := p.policy.roles[r]
	return role != nil && slices.ContainsFunc(role.rules, func(one rule) bool {
		return slices.Contains(one.types, t) && (slices.Contains(one.actions, store.ActionCreate) || slices.Contains(one.actions, store.ActionUpdate))
	})
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
	var room [512]byte
	text := appendFenceKey(room[:0], &c)
	if f, ok := p.fences[fenceName{p.policy.Version, o.Registry, string(text)}]; ok {
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
	p.fences[fenceName{p.policy.Version, o.Registry, string(text)}] = f
	return f, nil
}

// fenceName is what a fence is made of: the policy, the search parameters, and what is in a caller.
type fenceName struct {
	policy   string
	registry *r4.Registry
	caller   string
}

// appendFenceKey appends all of a caller that a fence is made of, each text after its length.
func appendFenceKey(b []byte, c *Caller) []byte {
	var is byte
	if c.System {
		is |= 1
	}
	if c.BreakGlass != "" {
		is |= 2
	}
	b = append(b, is)
	for _, text := range [...]string{string(c.Role), string(c.Organization), string(c.Practitioner), c.Purpose} {
		b = appendText(b, text)
	}
	b = binary.AppendUvarint(b, uint64(len(c.Facilities)))
	for _, code := range c.Facilities {
		b = appendText(b, code)
	}
	people := c.patients()
	b = binary.AppendUvarint(b, uint64(len(people)))
	for _, id := range people {
		b = appendText(b, string(id))
	}
	for _, scope := range c.Scopes {
		b = appendText(b, scope)
	}
	return b
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
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
