package registry

import (
	"bytes"
	"fmt"

	"github.com/lienthong/lienthong/fhir/outcome"
	"github.com/lienthong/lienthong/fhir/tabular"
)

// ListPage writes a page of a list for people, to look at or to print. next is the address of the page after it, "" if there is
// none. It needs no script, no font and no other file.
func ListPage(l outcome.Language, t *tabular.Table, next string) ([]byte, error) {
	lead := fmt.Sprintf(l.Pick("%d dòng.", "%d rows."), len(t.Rows))
	if len(t.Rows) == 0 {
		lead = l.Pick("Không có ai trong danh sách này mà bạn được xem.", "There is nobody on this list whom you may see.")
	}
	var out bytes.Buffer
	err := pages.ExecuteTemplate(&out, "list.html", struct {
		Language                string
		Title, Lead, Next, More string
		Table                   *tabular.Table
	}{string(l), t.Name, lead, next, l.Pick("Trang sau", "Next page"), t})
	return out.Bytes(), err
}
