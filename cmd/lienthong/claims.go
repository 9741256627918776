package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/lienthong/lienthong/adapters/bhxh/cases"
	"github.com/lienthong/lienthong/adapters/bhxh/reconciliation"
	"github.com/lienthong/lienthong/adapters/delivery"
	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/search"
	"github.com/lienthong/lienthong/fhir/wording"
)

// claimsCmd is what auditors do at a terminal: the operations of forAuditors over HTTP.
type claimsCmd struct {
	List      claimsListCmd      `cmd:"" help:"List claims by state, hospital, period, reason, amount and age."`
	Show      claimsShowCmd      `cmd:"" help:"Show one claim: lines claimed against assessed, attempts, differences, reviews."`
	Sample    claimsSampleCmd    `cmd:"" help:"Draw a stratified sample that anybody can draw again."`
	Export    claimsExportCmd    `cmd:"" help:"Get a claim as one file of evidence."`
	Reconcile claimsReconcileCmd `cmd:"" help:"Hold the claims of a hospital against the portal's lists."`
}

// langFlag says in which language people read an answer.
type langFlag struct {
	Lang outcome.Language `enum:"vi,en" default:"vi" help:"Language of what is printed: vi or en. Default: ${default}."`
}

// filterFlags are the conditions of $cases.
type filterFlags struct {
	State      []string `placeholder:"STATE" help:"States: held, queued, unknown, accepted, rejected, assessed, settled, ..."`
	Assessment []string `placeholder:"WHAT" help:"approved, partly, denied."`
	Facility   []string `placeholder:"MA_CSKCB" help:"Hospitals."`
	Reason     []string `sep:"none" placeholder:"CODE" help:"Why it is in its state, rules that hold it, reasons of lines that were cut; given twice, both hold."`
	Period     []string `sep:"none" placeholder:"MONTH" help:"Day of discharge: 2026-03, ge2026-01-01; given twice, both hold; 2026-03,2026-05: one of them."`
	Submitted  []string `sep:"none" placeholder:"VND" help:"What the hospital charges in all: ge5000000."`
	Requested  []string `sep:"none" placeholder:"VND" help:"What is asked of the fund: ge1000000."`
	Paid       []string `sep:"none" placeholder:"VND" help:"What the fund pays."`
	Reduced    []string `sep:"none" placeholder:"VND" help:"What was cut: gt0."`
	Age        []string `sep:"none" placeholder:"DAYS" help:"Whole days in the present state: ge7."`
}

func (f filterFlags) query() url.Values {
	q := url.Values{}
	for name, values := range map[string][]string{"state": f.State, "assessment": f.Assessment, "facility": f.Facility} {
		if len(values) > 0 {
			q.Set(name, strings.Join(values, ","))
		}
	}
	for name, values := range map[string][]string{"reason": f.Reason, "period": f.Period, "submitted": f.Submitted, "requested": f.Requested, "paid": f.Paid, "reduced": f.Reduced, "age": f.Age} {
		for _, v := range values {
			q.Add(name, v)
		}
	}
	return q
}

type claimsListCmd struct {
	serverFlags
	langFlag
	filterFlags
	Sort  string `placeholder:"WHAT" help:"age, submitted, requested, paid or reduced; with a dash before it the largest first (--sort=-age). Default: by id."`
	Limit int    `default:"100" placeholder:"N" help:"At most so many. Default: ${default}."`
}

// Run lists claims, following pages until there are enough.
func (c *claimsListCmd) Run(ctx context.Context, s streams) error {
	if c.Limit < 1 {
		return &exitError{exitUsage, errors.New("--limit must be at least 1")}
	}
	c.speaks = c.Lang
	w := tabwriter.NewWriter(s.out, 0, 4, 2, ' ', 0)
	if !c.AsJSON {
		fmt.Fprintln(w, c.rowHead())
	}
	var total listed
	left, page := c.Limit, ""
	for left > 0 {
		q := c.query()
		q.Set("output", "json")
		q.Set("_count", strconv.Itoa(min(left, cases.MaxCount)))
		if page != "" {
			q.Set("page", page)
		}
		if c.Sort != "" {
			q.Set("_sort", c.Sort)
		}
		body, err := c.ask(ctx, http.MethodGet, "/Claim/$cases", q)
		if err != nil {
			return err
		}
		var p cases.Page
		if err := json.Unmarshal(body, &p); err != nil {
			return fmt.Errorf("the server answered with something else than expected: %w", err)
		}
		for _, r := range p.Rows {
			total.add(r)
			if c.AsJSON { // an object a line
				line, err := json.Marshal(r)
				if err != nil {
					return err
				}
				fmt.Fprintf(s.out, "%s\n", line)
				continue
			}
			fmt.Fprintln(w, c.rowLine(r))
		}
		left -= len(p.Rows)
		if page = p.Next; page == "" {
			break
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if !c.AsJSON {
		fmt.Fprintf(s.out, c.Lang.Pick("%d hồ sơ; đề nghị %s, chấp nhận %s, giảm trừ %s\n", "%d claims; requested %s, paid %s, reduced %s\n"),
			total.n, cmp.Or(cases.Sum(total.requested), "-"), cmp.Or(cases.Sum(total.paid), "-"), cmp.Or(cases.Sum(total.reduced), "-"))
	}
	if page != "" { // who counts on the list must know that it is not all
		fmt.Fprintf(s.err, "lienthong: "+c.Lang.Pick("còn hồ sơ khác: danh sách dừng ở %d (--limit)\n", "there are more: the list ends after %d (--limit)\n"), total.n)
	}
	return nil
}

// listed is what a list comes to.
type listed struct {
	n                        int
	requested, paid, reduced []string // VND
}

func (l *listed) add(r cases.Row) {
	l.n++
	l.requested, l.paid, l.reduced = append(l.requested, r.Requested), append(l.paid, r.Paid), append(l.reduced, r.Reduced)
}

func (f langFlag) rowHead() string {
	return f.Lang.Pick("HỒ SƠ\tMA_CSKCB\tMA_LK\tTRẠNG THÁI\tNGÀY RA\tĐỀ NGHỊ\tCHẤP NHẬN\tGIẢM TRỪ\tLÝ DO",
		"CLAIM\tMA_CSKCB\tMA_LK\tSTATE\tDISCHARGED\tREQUESTED\tPAID\tREDUCED\tREASON")
}

func (f langFlag) rowLine(r cases.Row) string {
	why := []string{}
	for _, rule := range r.Findings {
		why = append(why, wording.With(wording.Catalogue, rule, f.Lang))
	}
	why = append(why, r.Cuts...) // the portal's codes: what they mean stands beside each line
	if r.Reason != nil && len(r.Findings) == 0 {
		why = append(why, strings.TrimSpace(r.Reason.In(f.Lang)+" ["+r.Reason.Code+"]"))
	}
	return cells(string(r.ID()), r.MaCSKCB, r.MaLK, delivery.Standing(r.State, r.Assessment, f.Lang), r.Discharged, r.Requested, r.Paid, r.Reduced, strings.Join(why, ", "))
}

// cells are a row for a tabwriter, without what would break it or the terminal.
func cells(texts ...string) string {
	for i, t := range texts {
		if texts[i] = onTerminal(t); t == "" {
			texts[i] = "-"
		}
	}
	return strings.Join(texts, "\t")
}

// longestName is how many letters of a name a table shows, so that its other columns are still beside each other.
const longestName = 60

func shortened(name string) string {
	if letters := []rune(name); len(letters) > longestName {
		return string(letters[:longestName]) + "…"
	}
	return name
}

// onTerminal keeps control characters of foreign texts off the terminal.
func onTerminal(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, s)
}

type claimsShowCmd struct {
	serverFlags
	langFlag
	Claim string `arg:"" help:"Id of the Claim, or its MA_LK, as the list shows them."`
}

// claimPath is the address of a claim, named by its id or by the MA_LK of its episode.
func (f serverFlags) claimPath(ctx context.Context, name string) (string, error) {
	id, named := strings.CutPrefix(name, "Claim/")
	if !named {
		found, err := f.ofEpisode(ctx, name)
		if err != nil {
			return "", err
		}
		switch len(found) {
		case 0: // then it is an id
		case 1:
			id = found[0]
		default:
			return "", &exitError{exitUsage, fmt.Errorf("several hospitals have an episode %q: name one of Claim/%s", name, strings.Join(found, ", Claim/"))}
		}
	}
	if _, err := fhir.ParseID(id); err != nil {
		return "", &exitError{exitUsage, fmt.Errorf("%q is neither the id of a Claim nor the MA_LK of one", name)}
	}
	return "/Claim/" + id, nil
}

// ofEpisode gives the ids of the Claims with an MA_LK, some if there are many.
func (f serverFlags) ofEpisode(ctx context.Context, maLK string) (ids []string, err error) {
	body, err := f.ask(ctx, http.MethodGet, "/Claim", url.Values{"identifier": {search.EscapeValue(maLK)}, "_elements": {"id"}, "_count": {"10"}})
	if err != nil {
		return nil, err
	}
	var found struct {
		Entry []struct {
			Resource struct {
				ID string `json:"id"`
			} `json:"resource"`
		} `json:"entry"`
	}
	if err := json.Unmarshal(body, &found); err != nil {
		return nil, fmt.Errorf("the server answered with something else than expected: %w", err)
	}
	for _, e := range found.Entry {
		ids = append(ids, e.Resource.ID)
	}
	return ids, nil
}

// Run shows a case.
func (c *claimsShowCmd) Run(ctx context.Context, s streams) error {
	c.speaks = c.Lang
	path, err := c.claimPath(ctx, c.Claim)
	if err != nil {
		return err
	}
	var one cases.Case
	return c.get(ctx, s, http.MethodGet, path+"/$case", nil, &one, func(w io.Writer) {
		fmt.Fprintf(w, "%s\n%s\n", c.rowHead(), c.rowLine(one.Row))
		if one.Disposition != "" {
			fmt.Fprintf(w, "%s\n", onTerminal(one.Disposition))
		}
		fmt.Fprintf(w, "\n%s\n", c.Lang.Pick("#\tBẢNG/STT\tMÃ\tTÊN\tĐỀ NGHỊ\tCHẤP NHẬN\tGIẢM TRỪ\tLÝ DO", "#\tTABLE/STT\tCODE\tNAME\tREQUESTED\tASSESSED\tREDUCED\tREASON"))
		for _, l := range one.Lines {
			fmt.Fprintln(w, cells(strconv.Itoa(l.Sequence), l.Table+"/"+l.STT, l.Code, shortened(l.Name), l.Requested, l.Paid, l.Reduced, strings.TrimSpace(l.Reason+" "+l.ReasonText)))
		}
		fmt.Fprintf(w, "\n%s\n", c.Lang.Pick("PHIÊN BẢN\tTRẠNG THÁI\tTỪ LÚC\tMÃ\tTRƯỜNG\tVÌ SAO", "VERSION\tSTATE\tSINCE\tCODE\tFIELD\tWHY"))
		for _, v := range one.Versions {
			why := v.Findings // v.Reason is the first of them
			if len(why) == 0 {
				why = append(why, *cmp.Or(v.Reason, &delivery.Reason{}))
			}
			for _, r := range why {
				fmt.Fprintln(w, cells(strconv.FormatUint(v.Version, 10), delivery.Standing(v.State, v.Assessment, c.Lang), v.Since.Format(time.RFC3339), r.Code, r.Path, r.In(c.Lang)))
			}
		}
		fmt.Fprintf(w, "\n%s\n", c.Lang.Pick("PHIÊN BẢN\tLẦN GỬI\tBẮT ĐẦU\tKẾT QUẢ\tMAKETQUA\tMAGIAODICH\tSHA-256 CỦA TỆP", "VERSION\tATTEMPT\tSTARTED\tOUTCOME\tMAKETQUA\tMAGIAODICH\tFILE SHA-256"))
		for _, v := range one.Versions {
			for _, a := range v.Attempts {
				fmt.Fprintln(w, cells(strconv.FormatUint(v.Version, 10), strconv.Itoa(a.N), a.Started.Format(time.RFC3339), wording.With("delivery-state", string(a.Outcome), c.Lang), a.Result(c.Lang), a.MaGiaoDich, a.FileSHA256))
			}
		}
		for _, i := range one.Issues {
			fmt.Fprintf(w, "\n%s\n", cells(c.Lang.Pick("sai lệch", "difference"), wording.Of("reconciliation-status", i.Status, c.Lang), wording.With("reconciliation", i.Code, c.Lang), i.Detail, i.Action))
		}
		for _, r := range one.Reviews {
			fmt.Fprintf(w, "\n%s\n", cells(c.Lang.Pick("rà soát", "review"), wording.With("claim-review", string(r.Outcome), c.Lang), r.Who, r.At.Format(time.RFC3339), r.Note))
		}
	})
}

type claimsSampleCmd struct {
	serverFlags
	langFlag
	filterFlags
	Seed    string   `required:"" help:"Text that the sample is drawn by: the same one draws the same claims."`
	Size    int      `required:"" help:"How many claims."`
	By      []string `placeholder:"DIMENSION" help:"Strata: facility, state, assessment, month, amount."`
	Members bool     `help:"List the whole population too (with --json)."`
}

// Run draws a sample.
func (c *claimsSampleCmd) Run(ctx context.Context, s streams) error {
	c.speaks = c.Lang
	q := c.query()
	q.Set("seed", c.Seed)
	q.Set("size", strconv.Itoa(c.Size))
	if len(c.By) > 0 {
		q.Set("by", strings.Join(c.By, ","))
	}
	if c.Members {
		q.Set("members", "true")
	}
	var one cases.Sample
	return c.get(ctx, s, http.MethodGet, "/Claim/$sample", q, &one, func(w io.Writer) {
		fmt.Fprintf(w, c.Lang.Pick("%s, seed %s: %d trong %d hồ sơ, SHA-256 của tập hợp %s\n\n", "%s, seed %s: %d of %d claims, population SHA-256 %s\n\n"), one.Method, onTerminal(one.Seed), len(one.Cases), one.Population, one.PopulationSHA256)
		fmt.Fprintln(w, c.Lang.Pick("TẦNG\tSỐ HỒ SƠ\tĐƯỢC CHỌN", "STRATUM\tOF\tDRAWN"))
		for _, h := range one.Strata {
			fmt.Fprintln(w, cells(h.Name, strconv.Itoa(h.Population), strconv.Itoa(h.Sample)))
		}
		fmt.Fprintf(w, "\n%s\t%s\n", c.Lang.Pick("TẦNG\tHẠNG", "STRATUM\tRANK"), c.rowHead())
		for _, d := range one.Cases {
			fmt.Fprintln(w, cells(d.Stratum, strconv.Itoa(d.Rank))+"\t"+c.rowLine(d.Row))
		}
	})
}

type claimsExportCmd struct {
	serverFlags
	Claim  string `arg:"" help:"Id of the Claim, or its MA_LK, as the list shows them."`
	Output string `short:"o" type:"path" placeholder:"FILE" help:"File to write, which must not be there. Default: evidence-ID.zip here."`
	Lang   string `enum:"vi,en" default:"vi" help:"Language of spreadsheet and PDF: vi or en. Default: ${default}."`
}

// Run writes a file of evidence.
func (c *claimsExportCmd) Run(ctx context.Context, s streams) error {
	c.speaks = outcome.Language(c.Lang)
	path, err := c.claimPath(ctx, c.Claim)
	if err != nil {
		return err
	}
	if c.Output == "" {
		c.Output = "evidence-" + strings.TrimPrefix(path, "/Claim/") + ".zip"
	}
	file, err := c.ask(ctx, http.MethodGet, path+"/$evidence", url.Values{"lang": {c.Lang}})
	if err != nil {
		return err
	}
	f, err := os.OpenFile(c.Output, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(file)
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "%s: %d bytes; check it with: lienthong verify-evidence %s --key audit.key.pub\n", c.Output, len(file), c.Output)
	return err
}

type claimsReconcileCmd struct {
	serverFlags
	langFlag
	Facility string `required:"" placeholder:"MA_CSKCB" help:"The hospital."`
	From     string `placeholder:"MONTH" help:"First month, such as 2026-03. Default: as far back as the server's job looks."`
	To       string `placeholder:"MONTH" help:"Last month. Default: this one."`
}

// Run reconciles now.
func (c *claimsReconcileCmd) Run(ctx context.Context, s streams) error {
	c.speaks = c.Lang
	q := url.Values{"facility": {c.Facility}}
	for name, v := range map[string]string{"from": c.From, "to": c.To} {
		if v != "" {
			q.Set(name, v)
		}
	}
	var rep reconciliation.Report
	return c.get(ctx, s, http.MethodPost, "/Claim/$reconcile", q, &rep, func(w io.Writer) {
		fmt.Fprintf(w, c.Lang.Pick("%s, %s đến %s: %d hồ sơ ở cổng, đã hỏi riêng %d, %d khớp; %d đã quyết toán, %d quyết định thay đổi; sai lệch: %d mới, %d đã khép, %d còn mở\n",
			"%s, %s to %s: %d records there, %d of ours asked about, %d agree; %d settled, %d decisions revised; findings: %d new, %d closed, %d open\n"),
			onTerminal(rep.Facility), rep.From, rep.To, rep.Records, rep.Asked, rep.Matched, rep.Settled, rep.Revised, rep.Opened, rep.Closed, len(rep.Findings))
		if len(rep.Findings) > 0 {
			fmt.Fprintf(w, "\n%s\n", c.Lang.Pick("LOẠI\tMA_LK\tPB\tỞ ĐÂY\tỞ CỔNG\tXỬ LÝ", "KIND\tMA_LK\tPB\tHERE\tTHERE\tACTION"))
		}
		for _, f := range rep.Findings {
			fmt.Fprintln(w, cells(wording.With("reconciliation", string(f.Kind), c.Lang), f.MaLK, strconv.FormatUint(f.PB, 10), f.Here, f.There, c.Lang.Pick(reconciliation.Kinds[f.Kind].ActionVI, f.Action)))
		}
	})
}
