package evidence

import (
	"strconv"
	"strings"

	"github.com/lienthong/lienthong/adapters/bhxh/cases"
	"github.com/lienthong/lienthong/adapters/delivery"
	"github.com/lienthong/lienthong/fhir/wording"
)

// table is what spreadsheet and print show alike. Amounts are texts: neither makes a float of them.
type table struct {
	name   string
	head   []string
	wide   []int // of the columns, in letters
	rows   [][]string
	always bool // print the head even without rows
}

// tables are those of a case, after its summary.
func tables(c cases.Case, w texts) []table {
	lines := table{name: w.lines, head: w.lineHead, wide: []int{4, 6, 5, 13, 26, 8, 10, 12, 12, 12, 11, 24}, always: true}
	for _, l := range c.Lines {
		lines.rows = append(lines.rows, []string{strconv.Itoa(l.Sequence), l.Table, l.STT, l.Code, l.Name, l.Quantity, l.UnitPrice, l.Submitted,
			l.Requested, l.Paid, l.Reduced, strings.TrimSpace(l.Reason + " " + l.ReasonText)})
	}
	versions := table{name: w.versions, head: w.versionHead, wide: []int{8, 32, 17, 22, 24, 60}, always: true}
	for _, v := range c.Versions {
		row := func(code, field, why string) {
			versions.rows = append(versions.rows, []string{strconv.FormatUint(v.Version, 10), delivery.Standing(v.State, v.Assessment, w.lang), clock(v.Since), code, field, why})
		}
		for _, f := range v.Findings {
			row(f.Code, f.Path, f.In(w.lang))
		}
		switch {
		case len(v.Findings) > 0: // the reason is the first of them
		case v.Reason != nil:
			row(v.Reason.Code, v.Reason.Path, v.Reason.In(w.lang))
		default:
			row("", "", "")
		}
		if d := v.Decided; d != nil {
			row(wording.With("delivery-decision", string(d.Decision), w.lang), "", d.By+": "+d.Reason)
		}
	}
	attempts := table{name: w.attempts, head: w.attemptHead, wide: []int{8, 6, 17, 17, 20, 20, 20, 30, 30}, always: true}
	for _, v := range c.Versions {
		for _, a := range v.Attempts {
			attempts.rows = append(attempts.rows, []string{strconv.FormatUint(v.Version, 10), strconv.Itoa(a.N), clock(a.Started), clock(a.Ended),
				wording.With("delivery-state", string(a.Outcome), w.lang), a.Result(w.lang), a.MaGiaoDich, a.FileSHA256, a.ReplySHA256})
		}
	}
	cited := table{name: w.cited, head: w.citedHead, wide: []int{60, 10, 40}}
	for _, r := range c.Cited {
		version := ""
		if r.Version > 0 {
			version = strconv.FormatUint(r.Version, 10)
		}
		cited.rows = append(cited.rows, []string{r.Reference, version, r.Path})
	}
	issues := table{name: w.issues, head: w.issueHead, wide: []int{24, 10, 22, 50, 40}}
	for _, i := range c.Issues {
		issues.rows = append(issues.rows, []string{wording.With("reconciliation", i.Code, w.lang), wording.Of("reconciliation-status", i.Status, w.lang), i.Identified, i.Detail, i.Action})
	}
	reviews := table{name: w.reviews, head: w.reviewHead, wide: []int{22, 24, 20, 70}}
	for _, r := range c.Reviews {
		reviews.rows = append(reviews.rows, []string{wording.With("claim-review", string(r.Outcome), w.lang), r.Who, clock(r.At), r.Note})
	}
	return []table{lines, versions, attempts, cited, issues, reviews}
}

// summary are the facts of a case, by name.
func summary(c cases.Case, w texts) [][2]string {
	state := delivery.Standing(c.State, c.Assessment, w.lang)
	if c.Reason != nil {
		state += ": " + c.Reason.In(w.lang)
	}
	return [][2]string{
		{w.claim, c.Claim + "/_history/" + strconv.FormatUint(c.Version, 10)}, {w.facility, c.MaCSKCB}, {w.episode, c.MaLK}, {w.state, state}, {w.since, clock(c.Since)},
		{w.discharged, c.Discharged}, {w.submitted, c.Submitted}, {w.requested, c.Requested}, {w.paid, c.Paid}, {w.reduced, c.Reduced},
		{w.receipt, c.MaGiaoDich}, {w.decision, c.Disposition},
	}
}
