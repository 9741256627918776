package rest

import (
	"context"
	"strconv"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/interaction"
)

// paramStatus is GET SearchParameter/id/$status: Parameters that say of each base of the definition how far its index is.
// One that is not in force, such as a draft, has none.
func (s *Server) paramStatus(ctx context.Context, c *call) (answer, error) {
	if c.key.Type != "SearchParameter" {
		return answer{}, fhir.Errorf(fhir.NotFound, "operation-unknown", "", string(c.key.Type)+"/$status")
	}
	if err := c.noParams(); err != nil {
		return answer{}, err
	}
	list, err := s.Service.ParamStatus(ctx, c.key.ID)
	if err != nil {
		return answer{}, err
	}
	return parametersAnswer(appendParamStatus(nil, list)), nil
}

func appendParamStatus(b []byte, list []interaction.ParamStatus) []byte {
	b = append(b, `{"resourceType":"Parameters"`...)
	for i, one := range list {
		if i == 0 {
			b = append(b, `,"parameter":[`...)
		} else {
			b = append(b, ',')
		}
		text := func(name, property, value string) {
			b = appendQuoted(append(append(append(append(b, `,{"name":"`...), name...), `","`...), property+`":`...), value)
			b = append(b, '}')
		}
		number := func(name string, n int) {
			b = append(append(append(b, `,{"name":"`...), name...), `","valueInteger":`...)
			b = append(strconv.AppendInt(b, int64(n), 10), '}')
		}
		p := one.Progress
		b = append(b, `{"name":"parameter","part":[{"name":"state","valueCode":"`+string(p.State)+`"}`...)
		text("code", "valueCode", one.Param.Code)
		text("base", "valueCode", string(one.Param.Base))
		if one.Param.Expression != "" { // _content has none
			text("expression", "valueString", one.Param.Expression)
		}
		number("percent", p.Percent())
		number("done", p.Done)
		number("total", p.Total)
		if p.Fault != "" {
			text("fault", "valueString", "index-build-failed") // the cause is in the server's log
		}
		b = append(b, "]}"...)
	}
	if len(list) > 0 {
		b = append(b, ']')
	}
	return append(b, '}')
}
