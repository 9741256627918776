package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/lienthong/lienthong/adapters/bhxh"
	"github.com/lienthong/lienthong/adapters/bhxh/gateway"
	"github.com/lienthong/lienthong/adapters/bhxh/mapping"
	"github.com/lienthong/lienthong/adapters/bhxh/reconciliation"
	"github.com/lienthong/lienthong/adapters/bhxh/signature"
	"github.com/lienthong/lienthong/adapters/delivery"
	"github.com/lienthong/lienthong/cmd/lienthong/config"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/audit"
	"github.com/lienthong/lienthong/fhir/authentication"
	"github.com/lienthong/lienthong/fhir/facility"
	"github.com/lienthong/lienthong/fhir/identity"
	"github.com/lienthong/lienthong/fhir/immunization"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/matching"
	"github.com/lienthong/lienthong/fhir/mirror"
	"github.com/lienthong/lienthong/fhir/operation/patientsummary"
	"github.com/lienthong/lienthong/fhir/operation/vaccination"
	"github.com/lienthong/lienthong/fhir/r4"
	"github.com/lienthong/lienthong/fhir/registry"
	"github.com/lienthong/lienthong/fhir/registry/intake"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/rest"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/search/index"
	"github.com/lienthong/lienthong/fhir/signin"
	"github.com/lienthong/lienthong/fhir/smart"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/commitlog"
	"github.com/lienthong/lienthong/fhir/store/engine"
	"github.com/lienthong/lienthong/fhir/store/sealed"
	"github.com/lienthong/lienthong/scheduler"
)

// node is a whole server but for its listener: the store and the rooms above it, put together.
//
//	handler (rest) ──► service (interaction) ──► store (engine over the log in the same folder)
//	                     │ hooks: citizen IDs, outbox          ▲
//	                     ▼                                     │
//	runner (scheduler) ──► bhxh jobs ──► outbox (delivery) ────┘ ──► gateway
//
// Requests pass the audit handler first, and all rooms know the store only under watch (audit.Store).
type node struct {
	log     commitlog.Log // that servers share; nil = it is in the store's folder
	store   store.Store
	trail   *trail
	service *interaction.Service
	// policies makes the fences of callers.
	policies *access.Policies
	// facilities says of which of them a caller may write.
	facilities facility.Facilities
	asks       bool                 // callers are asked who they are
	clients    func() smart.Clients // nil = there is no file of them
	outbox     *delivery.Outbox
	handler    http.Handler
	reconciler *reconciliation.Reconciler // nil without a gateway
	runner     *scheduler.Runner          // nil without a gateway: claims then wait in the outbox

	registry     *registry.Registry
	reminders    *scheduler.Runner // nil without a sender
	mirror       *mirror.Mirror    // nil without one
	logCopy      *logCopy          // nil without one
	certificates certificates
	operations   []rest.Operation // beyond those of fhir/rest itself

	// ready gives what /readyz and the figures say: why what comes cannot be answered or kept, and why reads are stale all the same.
	ready func(context.Context) (obstacle, stale error)
	// reencrypt gives the files of an encrypted store the newest key, until its context ends.
	reencrypt func(context.Context)
	// checkpoint keeps copies of the store beside a shared log, until its context ends.
	checkpoint func(context.Context)
}

// openNode opens the store and puts the rooms together; served is the base URL that the listener has, "" if there is none.
// Nothing runs yet but the store; close it in any case.
//
// A store that was written under another index definition is indexed anew. The definition has the base URLs that were
// configured, and that of an address which others can reach, but never a port of the loopback: see ownBases.
func openNode(ctx context.Context, c config.Server, served string, log *slog.Logger) (*node, error) {
	ctx = ours(ctx)
	systems := identity.Systems{Base: c.SIDBase + "/sid/"}
	o := index.Options{Base: c.BaseURL, Also: ownBases(c, served), FoldSystem: systems.Fold}
	if err := private(c.Data, log); err != nil {
		return nil, err
	}
	room := engine.NewRoom(nil, c.Data, c.DiskReserve<<20, log)
	disk, err := sealed.On(room.FS(), c.EncryptionKey, log)
	if err != nil {
		return nil, err
	}
	policies, err := access.Open(access.Config{File: c.Policy, Log: log, Search: func() search.Options {
		return search.Options{Base: o.Base, Also: o.Also, FoldSystem: o.FoldSystem}
	}})
	if err != nil {
		return nil, err
	}
	shared, err := openLog(ctx, c.Log, log)
	if err != nil {
		return nil, err
	}
	if err := fetchCheckpoint(ctx, shared, c, func(dir string) error { return sealed.Check(disk, dir) }, log); err != nil {
		_ = shared.Close() // the first error says more
		return nil, err
	}
	st, err := engine.Open(c.Data, engine.Options{
		Log: shared, StaleReads: c.Log.Stale,
		Definition: o.Definition() + " fold=" + systems.CCCD(),
		Index:      indexFunc(o, nil),
		IndexWith:  func(reg *r4.Registry) engine.IndexFunc { return indexFunc(o, reg) },
		Room:       room, FS: disk,
		CacheBytes: max(engine.DefaultCacheBytes, c.MemoryLimit<<20/6), // of blocks: what a large memory is given for
		Logger:     log,
	})
	if err != nil {
		if shared != nil {
			_ = shared.Close() // the first error says more
		}
		return nil, err
	}
	n := &node{log: shared, store: access.Masked(st), policies: policies}
	n.ready = func(ctx context.Context) (obstacle, stale error) {
		obstacle, stale = store.Answers(ctx, n.store)
		return errors.Join(obstacle, room.Full(), n.trail.journal.Ready(), logReady(ctx, shared)), stale
	}
	n.reencrypt = func(ctx context.Context) { sealed.KeepCurrent(ctx, disk, c.Data, log, time.Minute) }
	n.checkpoint = func(ctx context.Context) { keepCheckpoints(ctx, shared, st, c, log) }
	if n.trail, err = openTrail(ctx, st, c, log); err == nil {
		n.logCopy, err = openLogCopy(c, st, log)
	}
	if err == nil {
		n.store = access.Masked(n.trail.over(st))
		err = errors.Join(n.openMirror(c.Mirror, log), n.build(ctx, c, served, o, systems, log))
	}
	if err != nil {
		_ = n.close()
		return nil, err
	}
	return n, nil
}

// indexFunc indexes stored documents by the parameters of R4 and those that reg adds.
func indexFunc(o index.Options, reg *r4.Registry) engine.IndexFunc {
	o.Registry = reg
	return index.Stored(o)
}

func (n *node) build(ctx context.Context, c config.Server, served string, o index.Options, systems identity.Systems, log *slog.Logger) error {
	claims := mapping.Systems{Base: c.SIDBase}
	plan, err := config.ReadPlan(c.Gateway.Plan)
	if err != nil {
		return err
	}
	clocks, err := plan.Clocks()
	if err != nil {
		return err
	}
	n.outbox = delivery.New(delivery.Config{
		Deadlines: clocks, Sees: n.senderSees, Sender: n.senderToHold,
		Store: n.store, Base: c.SIDBase, Settle: c.Gateway.Settle, ByPerson: c.Gateway.ByPerson(), AskEvery: c.Gateway.AskEvery, HashesOnly: c.Gateway.HashesOnly,
		Retry: delivery.Retry{First: c.Gateway.RetryFirst, Max: c.Gateway.RetryMax},
		Episode: func(claim resource.Value) (facility, episode string, ok bool) {
			return mapping.EpisodeOf(claim, claims)
		},
	})
	schedules, err := immunization.LoadSet(c.Schedules)
	if err != nil {
		return fmt.Errorf("vaccination schedules: %w", err)
	}
	n.facilities = facilities(n, o, claims)
	n.service = interaction.New(interaction.Config{
		Store: n.store, Base: o.Base, Also: o.Also, FoldSystem: o.FoldSystem,
		Hooks:     []interaction.Hook{n.facilities.Hook, recorded(localTo(o)), n.explained(localTo(o)), citizenIDs(systems), decidable(o), n.care(o, systems).Hook, matching.Keep, vaccination.Rules{Store: n.store, Schedules: schedules, Sees: n.senderSees}.Hook, n.outbox.Enqueue, n.checkIns(c, claims), bhxh.Rows{Store: n.store, Systems: claims}.Hook},
		Introduce: n.care(o, systems).Introduce, Missed: n.care(o, systems).Missed, Known: n.care(o, systems).Known,
		Limits: interaction.Limits{Entries: c.MaxEntries},
	})
	if c.FullText == "on" || c.FullText == "off" {
		if err := n.service.SetContent(ctx, c.FullText == "on"); err != nil {
			return err
		}
	}
	n.outbox.Use(n.service)
	given := vaccination.New(vaccination.Config{Interactions: n.service, Schedules: schedules, Systems: systems})
	n.registry = registry.New(registry.Config{Store: n.store, Interactions: n.service, Given: given, Schedules: schedules, Log: log})

	if err := n.openCertificates(ctx, c.Certificate, cmp.Or(c.BaseURL, served), systems, schedules, log); err != nil {
		return err
	}
	if n.reminders, err = n.remind(c.Reminders, schedules, log); err != nil {
		return err
	}
	path := ""
	if u, err := url.Parse(c.BaseURL); err == nil {
		path = u.Path
	}
	if path == "" {
		path = defaultPath
	}
	base := c.BaseURL
	if base == "" {
		base = served
	}
	door, err := n.openDoor(c.Authentication, base, path, log)
	if err != nil {
		return err
	}
	n.operations = slices.Concat(operations(n, c.SIDBase), forAuditors(n, c.SIDBase), jobOperations(n, c.SIDBase), vaccinations(given, &patientsummary.Service{Interactions: n.service, Vaccinations: given}, c.SIDBase), n.certificates.operations(c.SIDBase),
		whoIsWho(matching.New(n.service, systems), c.SIDBase))
	n.operations = append(n.operations, registryOperations(n.registry, c.SIDBase)...)
	n.operations = append(n.operations, intakeOperation(&intake.Intake{Interactions: n.service, Given: given, Schedules: schedules, Systems: systems, Numbers: n.facilities.Numbers}, c.SIDBase))
	server, err := rest.New(ctx, rest.Config{
		Service: n.service, BasePath: path, BaseURL: c.BaseURL, Own: o.Also.Own, Name: "Lienthong", Version: version(), Log: log,
		Authenticate: door.authenticate, Challenge: door.challenge, Security: door.security, Warning: door.warning,
		SignIn: door.signInPath, SignOut: signin.SignOut,
		Operations: n.operations, Ready: n.ready, Tried: func(ctx context.Context, key fhir.Key) { audit.TrailOf(ctx).Tried(key) },
		Limits: rest.Limits{BundleBytes: c.MaxBody, ResourceBytes: min(c.MaxBody, 16<<20)},
	})
	if err != nil {
		return err
	}
	front := &authentication.Front{Next: server, Smart: door.smart, SignIn: door.signIn, BasePath: server.BasePath, Origins: door.origins}
	n.handler = n.certificates.public(n.trail.handler(front, server.BasePath))
	if n.log != nil {
		n.handler = oneQuestion(n.handler)
	}
	if c.Gateway.URL == "" {
		return nil
	}
	return n.connect(c.Gateway, claims, log)
}

// connect makes the jobs that bring claims to the gateway and ask what became of them.
func (n *node) connect(g config.Gateway, claims mapping.Systems, log *slog.Logger) error {
	accounts, err := g.Accounts()
	if err != nil {
		return err
	}
	var clients []bhxh.Account
	for _, a := range accounts {
		client, err := gateway.New(gateway.Config{BaseURL: g.URL, Username: a.Username, Password: a.Password, Timeout: g.Timeout})
		if err != nil {
			return err
		}
		clients = append(clients, bhxh.Account{Client: client, Facilities: a.Facilities})
	}
	var signer bhxh.Signer
	if g.SigningKeys != "" {
		if signer, err = signature.Open(g.SigningKeys); err != nil {
			return err
		}
	}
	jobs := bhxh.Config{
		Signer: signer, Registered: n.registered,
		Store: n.store, Outbox: n.outbox, Accounts: clients, Systems: claims, Path: bhxh.SendPath(g.Path), Reason: g.CorrectionText,
		Schedule: g.Schedule, StatusSchedule: g.StatusSchedule, Lease: g.Lease, PerSecond: g.Rate, Log: log,
	}
	if n.log != nil {
		jobs.Server = "s-" + rand.Text()
	}
	if err := planned(&jobs, g); err != nil {
		return err
	}
	sync, err := bhxh.NewSync(jobs)
	if err != nil {
		return err
	}
	n.runner, err = scheduler.New(scheduler.Config{Store: n.store, Log: log}, append(sync.Jobs(), n.reconciling(sync, g, claims, log)...)...)
	return err
}

// run works until ctx ends, and then until its jobs have come to a stop.
func (n *node) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ours(ctx))
	g.Go(func() error { return n.trail.run(ctx) })
	g.Go(func() error { n.reencrypt(ctx); return nil })
	g.Go(func() error { n.checkpoint(ctx); return nil })
	g.Go(func() error { return n.registry.Run(ctx) })
	g.Go(func() error { n.logCopy.run(ctx); return nil })
	n.feedMirror(ctx, g)
	if n.reminders != nil {
		g.Go(func() error { return n.reminders.Run(ctx) })
	}
	if n.runner != nil {
		g.Go(func() error { return n.runner.Run(ctx) })
	}
	return g.Wait()
}

// ours is the context of the server's own work, which sees and changes everything; requests get their caller's fence.
func ours(ctx context.Context) context.Context { return store.Ourselves(ctx) }

// close ends the trail before the store: its last checkpoint is committed.
func (n *node) close() error {
	err := errors.Join(n.closeMirror(), n.trail.close(), n.store.Close())
	if n.log != nil {
		err = errors.Join(err, n.log.Close())
	}
	return err
}

// citizenIDs is the hook that keeps a citizen ID with one active Patient, and refuses impossible ones.
func citizenIDs(systems identity.Systems) interaction.Hook {
	return func(_ context.Context, w interaction.Write) (interaction.Additions, error) {
		if w.Key.Type != "Patient" || w.Method == store.MethodDelete {
			return interaction.Additions{}, nil
		}
		keys, issues := systems.PatientKeys(w.Doc)
		for _, i := range issues {
			if i.Severity == fhir.SeverityError {
				return interaction.Additions{}, &fhir.Error{Kind: fhir.Unprocessable, Code: "patient-identifier-refused", Issues: issues}
			}
		}
		return interaction.Additions{Unique: keys, Issues: issues}, nil
	}
}
