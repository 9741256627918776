package mapping

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/lienthong/lienthong/adapters/bhxh/hoso"
	"github.com/lienthong/lienthong/fhir/resource"
)

// Claimed is what a ClaimResponse says of the Claim itself. It holds on to nothing of the Claim's document, so that it can be kept until
// there is an answer.
type Claimed struct {
	insurer, patient string // references, as they stand
	kind             string // code of Claim.type
	lines            []claimedLine
}

// claimedLine is what was asked for with a line; amounts as they stand, "" if there is none.
type claimedLine struct {
	place                       string // in the claim file, see placeOf
	sequence                    int    // of Claim.item
	submitted, eligible, copaid string // THANH_TIEN_BV, else item.net; THANH_TIEN_BH; T_BNCCT
}

// placeOf names a line by the table that it stands in and its STT there.
func placeOf(table, stt string) string { return table + "/" + stt }

// ClaimedIn reads of a Claim what its ClaimResponses say of it.
func ClaimedIn(claim resource.Value, s Systems) Claimed {
	c := claimedOf(claim)
	for _, l := range linesOf(claim, s) {
		if l.table != 0 {
			fields, _ := extensionFields(l.item, s.Extension(l.table), hoso.DecisionAt("").Layout(l.table))
			c.add(l, fields)
		}
	}
	return c
}

// claimedOf reads what is said of the Claim as a whole.
func claimedOf(claim resource.Value) Claimed {
	return Claimed{
		insurer: strings.Clone(claim.Get("insurer").Get("reference").Text()),
		patient: strings.Clone(claim.Get("patient").Get("reference").Text()),
		kind:    strings.Clone(cmp.Or(first(codeOf(claim.Get("type"), claimTypeCode)), "institutional")),
	}
}

// add adds a line, which has a table: of others nothing of the portal's can be about them. fields are those of its extension.
func (c *Claimed) add(l line, fields map[string]string) {
	net, _ := number(l.item.Get("net").Get("value"))
	c.lines = append(c.lines, claimedLine{
		place: placeOf(l.table.String(), l.stt), sequence: l.sequence,
		submitted: cmp.Or(fields["THANH_TIEN_BV"], net), eligible: fields["THANH_TIEN_BH"], copaid: fields["T_BNCCT"],
	})
}

// line gives the line at a place; of several there, the last.
func (c *Claimed) line(table string, stt int) (claimedLine, bool) {
	place := placeOf(table, strconv.Itoa(stt))
	for i := len(c.lines) - 1; i >= 0; i-- {
		if c.lines[i].place == place {
			return c.lines[i], true
		}
	}
	return claimedLine{}, false
}
