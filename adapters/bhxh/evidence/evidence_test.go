package evidence

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/lienthong/lienthong/adapters/bhxh/cases"
	"github.com/lienthong/lienthong/adapters/bhxh/mapping"
	"github.com/lienthong/lienthong/adapters/bhxh/wire"
	"github.com/lienthong/lienthong/adapters/delivery"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/access"
	"github.com/lienthong/lienthong/fhir/audit"
	"github.com/lienthong/lienthong/fhir/fhirtest"
	"github.com/lienthong/lienthong/fhir/interaction"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/resource"
	"github.com/lienthong/lienthong/fhir/store"
	"github.com/lienthong/lienthong/fhir/store/engine"
	"github.com/lienthong/lienthong/fhir/store/engine/enginetest"
	"github.com/lienthong/lienthong/scheduler"
	"github.com/lienthong/lienthong/scheduler/lease"
)

// house is a server as far as evidence needs one, with a claim that was corrected once and decided.
type house struct {
	t        *testing.T
	public   string
	exporter *Exporter
	svc      *interaction.Service
	policies *access.Policies
}

func newHouse(t *testing.T) *house {
	t.Helper()
	dir := t.TempDir()
	st := enginetest.OpenAt(t, filepath.Join(dir, "store"), engine.Options{})
	signer, err := audit.LoadSigner(filepath.Join(dir, "key"), "test-server")
	if err != nil {
		t.Fatal(err)
	}
	public, err := os.ReadFile(filepath.Join(dir, "key.pub"))
	if err != nil {
		t.Fatal(err)
	}
	journal, err := audit.Open(filepath.Join(dir, "audit"), audit.Options{Signer: signer, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = journal.Close()
		_ = st.Close()
	})
	mask := audit.NewMasker([]byte("secret"))
	watched := audit.Watch(st, mask)
	masked := access.Masked(watched)
	h := &house{t: t, public: strings.TrimSpace(string(public))}
	if h.policies, err = access.Open(access.Config{}); err != nil {
		t.Fatal(err)
	}
	outbox := delivery.New(delivery.Config{Store: masked, Episode: func(v resource.Value) (string, string, bool) { return mapping.EpisodeOf(v, mapping.Systems{}) }})
	h.svc = interaction.New(interaction.Config{Store: masked, Hooks: []interaction.Hook{outbox.Enqueue}})
	outbox.Use(h.svc)
	h.exporter = &Exporter{
		Cases: cases.New(cases.Config{Store: masked, Outbox: outbox, Interactions: h.svc}),
		Store: masked, Outbox: outbox, Journal: journal, Follow: &audit.Follower{Store: watched, Journal: journal}, Mask: mask,
	}
	h.put(`{"resourceType":"Patient","id":"p1","name":[{"text":"NGƯỜI GIẢ"}]}`)
	for _, amount := range []int{900, 1000} {
		h.put(fmt.Sprintf(`{"resourceType":"Claim","id":"c1","status":"active","use":"claim","type":{"text":"x"},
			"identifier":[{"system":"https://lienthong.example/sid/malk/51901","value":"LK-1"}],"patient":{"reference":"Patient/p1"},
			"created":"2026-05-31","provider":{"display":"x"},"priority":{"text":"x"},"insurance":[{"sequence":1,"focal":true,"coverage":{"display":"x"}}],
			"item":[{"sequence":1,"category":{"coding":[{"system":"https://lienthong.example/fhir/CodeSystem/bang-xml","code":"XML2"}]},
				"productOrService":{"text":"x"},"net":{"value":%d,"currency":"VND"},
				"extension":[{"url":"https://lienthong.example/fhir/StructureDefinition/xml2","extension":[{"url":"T_BHTT","valueDecimal":%[1]d}]}]}]}`, amount))
	}
	claim, err := masked.Read(h.ours(), fhir.Key{Type: "Claim", ID: "c1"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := resource.New(claim.Stored.Append(nil, claim.Version, claim.At))
	if err != nil {
		t.Fatal(err)
	}
	response, err := mapping.ClaimResponse(mapping.Assessment{ID: delivery.ResponseID("c1"), ClaimKey: claim.Key, Claim: mapping.ClaimedIn(doc.Root(), mapping.Systems{}), Created: time.Now(), Record: wire.HoSo{
		MaLK: "LK-1", TiepNhan: true, TrangThai: wire.DaGiamDinh,
		ChiTiet: []wire.ChiTiet{{Bang: "XML2", STT: 1, TienDeNghi: "1000.00", TienChapNhan: "400.00", MaLyDo: "GD01", LyDo: "Đơn giá vượt kết quả đấu thầu"}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	h.put(string(response))
	h.sends(outbox, masked, delivery.Key{Claim: "c1", Version: claim.Version})
	return h
}

// What the attempt sent and got, with a name in it as a claim file has.
const sentFile, gotReply = "<GIAMDINHHS>NGƯỜI GIẢ</GIAMDINHHS>", `{"maKetQua":"200","maGiaoDich":"GD1"}`

// sends makes an attempt that is accepted.
func (h *house) sends(outbox *delivery.Outbox, st store.Store, key delivery.Key) {
	h.t.Helper()
	held, c, err := lease.Take(h.ours(), st, "job/test", "test", time.Now(), time.Minute)
	if err == nil {
		_, err = st.Commit(h.ours(), c)
	}
	var row delivery.Row
	if err == nil {
		row, err = outbox.Load(h.ours(), key)
	}
	var d *delivery.Dispatch
	if err == nil {
		d, err = outbox.Begin(h.ours(), row, scheduler.Slot{Job: "test", At: time.Now(), Lease: held}, []byte(sentFile), time.Minute)
	}
	if err != nil || d == nil {
		h.t.Fatal(err)
	}
	_, err = outbox.Finish(h.ours(), d, delivery.Result{State: delivery.Accepted, MaGiaoDich: "GD1", MaKetQua: "200", HTTPStatus: 200, ReplySHA256: hashOf([]byte(gotReply)), Reply: []byte(gotReply)})
	if err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) ours() context.Context { return store.Ourselves(h.t.Context()) }

func (h *house) put(body string) {
	h.t.Helper()
	doc, err := resource.New([]byte(body))
	if err == nil {
		_, err = h.svc.Apply(h.ours(), interaction.WriteSet{Docs: []*resource.Document{doc}})
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

// as is the context of a request of a role.
func (h *house) as(role access.Role) context.Context {
	c := access.Caller{Subject: "somebody", Role: role, Organization: "o1"}
	fence, err := h.policies.Fence(h.t.Context(), c)
	if err != nil {
		h.t.Fatal(err)
	}
	return store.WithFence(access.WithCaller(h.t.Context(), &c), fence)
}

func (h *house) export(ctx context.Context) []byte {
	h.t.Helper()
	file, err := h.exporter.Export(ctx, "c1", outcome.Vietnamese)
	if err != nil {
		h.t.Fatal(err)
	}
	return file
}

func (h *house) verify(file []byte) Verified {
	h.t.Helper()
	v, err := Verify(file, []string{h.public})
	if err != nil {
		h.t.Fatal(err)
	}
	return v
}

func parts(t *testing.T, file []byte) map[string][]byte {
	t.Helper()
	p, err := unpack(file)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// repack is pack without compression, which would take most of the time of these tests.
func repack(t *testing.T, p map[string][]byte) []byte {
	t.Helper()
	var m Manifest
	_ = json.Unmarshal(p[partManifest], &m) // of a spoilt one nobody asks when it was packed
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.NoCompression) })
	if err := packInto(z, p, m.Exported); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestEvidenceVerifiesWithThePublicKeyAlone(t *testing.T) {
	h := newHouse(t)
	file := h.export(h.ours())
	v := h.verify(file)
	if !v.OK() || v.Manifest.MaLK != "LK-1" || v.Origin != "test-server" || v.Withheld != 0 || len(v.Manifest.Untraced) != 0 {
		t.Errorf("%+v", v)
	}
	if v.Versions < 4 || v.Traced != v.Versions { // two of the Claim, one of the answer, those of the Task
		t.Errorf("%d versions, %d traced", v.Versions, v.Traced)
	}
	if v.Bodies != 2 {
		t.Errorf("%d bodies of the attempt", v.Bodies)
	}
	again := h.verify(h.export(h.ours()))
	if !again.OK() || again.Given <= v.Given {
		t.Errorf("%+v", again)
	}
	p := parts(t, file)
	if string(p[bodyName(2, 1, delivery.Request)]) != sentFile || string(p[bodyName(2, 1, delivery.Reply)]) != gotReply {
		t.Error("the bodies are others")
	}
	if !bytes.HasPrefix(p[partPDF], []byte("%PDF")) || !bytes.HasPrefix(p[partSheet], []byte("PK")) {
		t.Error("print or spreadsheet is none")
	}
	for _, name := range []string{partFHIR, partHistory} {
		if d, err := resource.New(p[name]); err != nil || d.Root().ResourceType() != "Bundle" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := h.exporter.Export(h.ours(), "c2", outcome.English); err == nil {
		t.Error("a claim that is not there has evidence")
	}
	other := newHouse(t)
	if v := other.verify(file); v.OK() {
		t.Error("verified by a foreign key")
	}
}

// Fence and mask of the reader hold for every part.
func TestEvidenceForAnAuditorHasNoNames(t *testing.T) {
	h := newHouse(t)
	// A commit that tells of what an auditor may not see: a patient whom no claim cites.
	bundle, err := resource.New([]byte(`{"resourceType":"Bundle","type":"transaction","entry":[
		{"resource":{"resourceType":"Patient","id":"p9-nobody","name":[{"text":"AI ĐÓ"}]},"request":{"method":"PUT","url":"Patient/p9-nobody"}},
		{"resource":{"resourceType":"ClaimResponse","id":"claim-response-c1","status":"active","type":{"text":"x"},"use":"claim","patient":{"reference":"Patient/p1"},"created":"2026-06-01",
			"insurer":{"display":"x"},"request":{"reference":"Claim/c1"},"outcome":"complete"},"request":{"method":"PUT","url":"ClaimResponse/claim-response-c1"}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := h.svc.Transaction(h.ours(), bundle, interaction.BundleOptions{}); err != nil {
		t.Fatal(err)
	}
	file := h.export(h.as(access.RoleAuditor))
	v := h.verify(file)
	if !v.OK() || v.Withheld != 1 || v.Bodies != 0 || !v.Manifest.Masked || v.Manifest.For.Who != "somebody" {
		t.Errorf("%+v", v)
	}
	for name, raw := range parts(t, file) {
		if name == partSheet {
			raw = fhirtest.Unzipped(t, raw)
		}
		for _, secret := range []string{"NGƯỜI GIẢ", "AI ĐÓ", "p9-nobody"} {
			if bytes.Contains(raw, []byte(secret)) && name != partPDF && name != partSheet {
				t.Errorf("%s shows %s", name, secret)
			}
		}
	}
	if _, err := h.exporter.Export(h.as(access.RoleHospital), "c1", outcome.English); err == nil {
		t.Error("a foreign hospital got the evidence")
	}
}

// Whatever is done to a file of evidence shows.
func TestTamperingWithEvidenceShows(t *testing.T) {
	h := newHouse(t)
	whole := parts(t, h.export(h.ours()))
	second := parts(t, h.export(h.ours())) // of the same claim, as genuine
	spoilt := func(what string, p map[string][]byte) {
		t.Helper()
		if v, err := Verify(repack(t, p), []string{h.public}); err == nil && v.OK() {
			t.Errorf("%s, and it verifies", what)
		}
	}
	with := func(name string, raw []byte) map[string][]byte {
		p := map[string][]byte{}
		for n, b := range whole {
			p[n] = b
		}
		p[name] = raw
		return p
	}
	if v := h.verify(repack(t, whole)); !v.OK() {
		t.Fatalf("%+v", v)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for name, raw := range whole {
		spoilt(name+" is empty", with(name, nil))
		spoilt(name+" is longer", with(name, append(slices.Clone(raw), '\n', '1')))
		spoilt(name+" is shorter", with(name, raw[:len(raw)-2]))
		for range 30 {
			changed := slices.Clone(raw)
			changed[rng.IntN(len(changed))] ^= 1 << rng.IntN(7)
			if name == partTrail && sameProof(t, raw, changed) {
				continue // blanks and the like
			}
			spoilt(name+" has a bit changed", with(name, changed))
		}
		if !bytes.Equal(raw, second[name]) {
			spoilt(name+" is that of another file", with(name, second[name]))
		}
	}
	head := slices.Clone(whole[partHead])
	last := bytes.LastIndexByte(head, '=') - 1 // the digit before the padding has two bits that mean nothing
	for _, digit := range "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/" {
		if was := whole[partHead][last]; byte(digit) != was {
			head[last] = byte(digit)
			spoilt(fmt.Sprintf("the signature ends with %c in place of %c", digit, was), with(partHead, head))
		}
	}
	spoilt("an amount was changed", with(partCase, bytes.ReplaceAll(whole[partCase], []byte("400.00"), []byte("900.00"))))

	// Whoever makes all hashes anew has not the key.
	forged := with(partCase, bytes.ReplaceAll(whole[partCase], []byte("400.00"), []byte("900.00")))
	var m Manifest
	if err := json.Unmarshal(whole[partManifest], &m); err != nil {
		t.Fatal(err)
	}
	m.Files = chain(forged)
	forged[partManifest], _ = json.MarshalIndent(m, "", " ")
	spoilt("the manifest was made anew", forged)
	forged[partHead] = append([]byte(headText(forged[partManifest])+"\n"), whole[partHead][bytes.LastIndex(whole[partHead], []byte("\n—"))+1:]...)
	spoilt("the signature was taken over", forged)

	// Even with the key: what the journal does not have shows.
	signed := func(change func(m *Manifest)) map[string][]byte {
		p := with(partHead, nil)
		var m Manifest
		if err := json.Unmarshal(whole[partManifest], &m); err != nil {
			t.Fatal(err)
		}
		change(&m)
		p[partManifest], _ = json.MarshalIndent(m, "", " ")
		p[partHead], _ = h.exporter.Journal.Sign(headText(p[partManifest]))
		return p
	}
	resigned := func(p map[string][]byte) map[string][]byte {
		var m Manifest
		if err := json.Unmarshal(whole[partManifest], &m); err != nil {
			t.Fatal(err)
		}
		m.Files = chain(p)
		p[partManifest], _ = json.MarshalIndent(m, "", " ")
		p[partHead], _ = h.exporter.Journal.Sign(headText(p[partManifest]))
		return p
	}
	if v, err := Verify(repack(t, resigned(with(bodyName(2, 1, delivery.Request), []byte("another file")))), []string{h.public}); err != nil ||
		!slices.ContainsFunc(v.Faults, func(f string) bool { return strings.Contains(f, "is not what the attempt was recorded with") }) {
		t.Errorf("another file than was sent: %v %v", err, v.Faults)
	}
	if v, err := Verify(repack(t, resigned(with(bodyName(2, 9, delivery.Reply), []byte("x")))), []string{h.public}); err != nil ||
		!slices.ContainsFunc(v.Faults, func(f string) bool { return strings.Contains(f, "belongs to no attempt") }) {
		t.Errorf("an attempt that never was: %v %v", err, v.Faults)
	}
	without := with(partHead, whole[partHead])
	delete(without, bodyName(2, 1, delivery.Reply))
	spoilt("a body was taken out", without)
	spoilt("a body was added", with(bodyName(2, 2, delivery.Reply), []byte(gotReply)))
	spoilt("a file that the journal does not know of was signed", signed(func(m *Manifest) { m.MaCSKCB = "51902" }))
	spoilt("no line is named", signed(func(m *Manifest) { m.Trail = nil }))

	var proof audit.Proof
	if err := json.Unmarshal(whole[partTrail], &proof); err != nil {
		t.Fatal(err)
	}
	for i := range proof.Lines {
		fewer := proof
		fewer.Lines = slices.Delete(slices.Clone(proof.Lines), i, i+1)
		raw, _ := json.Marshal(fewer)
		spoilt(fmt.Sprintf("line %d was taken out", i), with(partTrail, raw))
	}
	proof.Lines = append(proof.Lines, proof.Lines[0])
	raw, _ := json.Marshal(proof)
	spoilt("a line stands twice", with(partTrail, raw))
}

// sameProof says whether two texts are the same proof.
func sameProof(t *testing.T, a, b []byte) bool {
	t.Helper()
	var x, y audit.Proof
	if strictly(a, &x) != nil || strictly(b, &y) != nil {
		return false
	}
	p, _ := json.Marshal(x)
	q, _ := json.Marshal(y)
	return bytes.Equal(p, q)
}

// TestNothingIsHiddenInTheContainer changes what is no part: the ZIP's own fields, and the room around them.
func TestNothingIsHiddenInTheContainer(t *testing.T) {
	h := newHouse(t)
	file := h.export(h.ours())
	refused := func(what string, file []byte) {
		t.Helper()
		if v, err := Verify(file, []string{h.public}); err == nil && v.OK() {
			t.Errorf("%s, and it verifies", what)
		}
	}
	var other bytes.Buffer
	if err := packInto(zip.NewWriter(&other), map[string][]byte{partCase: []byte("{}")}, time.Time{}); err != nil {
		t.Fatal(err)
	}
	refused("something stands before it", slices.Concat([]byte("x"), file))
	refused("another file stands before it, which programs that read from the start show", slices.Concat(other.Bytes(), file))
	refused("something stands behind it", slices.Concat(file, []byte("x")))
	fields := []int{bytes.LastIndex(file, []byte("PK\x05\x06")), bytes.Index(file, []byte("PK\x01\x02")), 0}
	for i, size := range []int{22, 46 + len(partCase), 30 + len(partCase)} {
		for at := fields[i]; at < fields[i]+size; at++ {
			changed := slices.Clone(file)
			changed[at] ^= 1
			refused(fmt.Sprintf("byte %d of header %d is another", at-fields[i], i), changed)
		}
	}

	whole := parts(t, file)
	var m Manifest
	if err := json.Unmarshal(whole[partManifest], &m); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return hiding{w}, nil })
	if err := packInto(z, whole, m.Exported); err != nil {
		t.Fatal(err)
	}
	if len(parts(t, b.Bytes())) != len(whole) {
		t.Fatal("what hides something cannot be read")
	}
	refused("something stands behind the end of what is compressed", b.Bytes())
	b.Reset()
	if err := packInto(zip.NewWriter(&b), whole, m.Exported.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	refused("it was packed at another time", b.Bytes())
	if v := h.verify(repack(t, whole)); !v.OK() {
		t.Errorf("compressed otherwise: %v", v.Faults)
	}
}

// hiding compresses each write as a whole and puts something behind it.
type hiding struct{ w io.Writer }

func (h hiding) Write(p []byte) (int, error) {
	f, err := flate.NewWriter(h.w, flate.BestSpeed)
	if err == nil {
		_, err = f.Write(p)
	}
	if err == nil {
		err = f.Close()
	}
	return len(p), err
}

func (h hiding) Close() error {
	_, err := h.w.Write([]byte("hidden"))
	return err
}

func TestWhatIsNoEvidenceIsRefused(t *testing.T) {
	h := newHouse(t)
	whole := parts(t, h.export(h.ours()))
	for what, change := range map[string]func(w *zip.Writer){
		"a part twice":     func(w *zip.Writer) { f, _ := w.Create(partCase); _, _ = f.Write([]byte("{}")) },
		"a part too many":  func(w *zip.Writer) { f, _ := w.Create("more.txt"); _, _ = f.Write([]byte("x")) },
		"a part elsewhere": func(w *zip.Writer) { f, _ := w.Create("../case.json"); _, _ = f.Write([]byte("x")) },
	} {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		for name, raw := range whole {
			f, err := w.Create(name)
			if err == nil {
				_, err = f.Write(raw)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		change(w)
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if _, err := Verify(b.Bytes(), []string{h.public}); err == nil {
			t.Errorf("%s was taken", what)
		}
	}
	for _, raw := range [][]byte{nil, []byte("PK"), []byte("{}")} {
		if _, err := Verify(raw, []string{h.public}); err == nil {
			t.Errorf("%q was taken", raw)
		}
	}
}

func FuzzVerify(f *testing.F) {
	f.Add([]byte("PK\x05\x06"))
	public := "test-server+2b4a6f6b+AUvOyqH8rVnsxLcBMD0Mk1QnGbgAaYmSz9ujPjIQPdYw"
	f.Fuzz(func(t *testing.T, raw []byte) {
		if v, err := Verify(raw, []string{public}); err == nil && v.OK() {
			t.Error("verified what nobody signed")
		}
	})
}
