package audit

import (
	"encoding/json"
	"strconv"
	"strings"
)

// appendJSON appends what json.Marshal makes of the entry, to the byte: an entry is made for each answer, which waits for
// it. A time that JSON cannot have is an error.
func (e *Entry) appendJSON(b []byte) ([]byte, error) {
	b = append(b, `{"at":"`...)
	b, err := e.At.AppendText(b)
	if err != nil {
		return nil, err
	}
	b = append(b, `","do":`...)
	b = appendString(b, e.Do)
	b = appendNamed(b, `,"on":`, e.On)
	b = append(b, `,"agent":`...)
	b = e.Agent.appendJSON(b)
	b = appendNamed(b, `,"query":`, e.Query)
	b = appendList(b, `,"gave":[`, e.Gave)
	b = appendList(b, `,"wrote":[`, e.Wrote)
	b = appendList(b, `,"people":[`, e.People)
	b = appendList(b, `,"met":[`, e.Met)
	b = appendNumber(b, `,"status":`, int64(e.Status))
	b = appendNamed(b, `,"request":`, e.Request)
	if e.T != 0 {
		b = strconv.AppendUint(append(b, `,"t":`...), uint64(e.T), 10)
	}
	b = appendNumber(b, `,"part":`, int64(e.Part))
	b = appendList(b, `,"tried":[`, e.Tried)
	b = appendNamed(b, `,"sha256":`, e.SHA256)
	return append(b, '}'), nil
}

func (a *Agent) appendJSON(b []byte) []byte {
	from := len(b)
	b = appendNamed(b, `,"who":`, a.Who)
	b = appendNamed(b, `,"iss":`, a.Issuer)
	b = appendNamed(b, `,"role":`, a.Role)
	if a.System {
		b = append(b, `,"system":true`...)
	}
	b = appendNamed(b, `,"org":`, a.Organization)
	b = appendNamed(b, `,"practitioner":`, a.Practitioner)
	b = appendNamed(b, `,"patient":`, a.Patient)
	b = appendNamed(b, `,"purpose":`, a.Purpose)
	b = appendNamed(b, `,"glass":`, a.BreakGlass)
	b = appendNamed(b, `,"from":`, a.Address)
	if len(b) == from {
		return append(b, '{', '}')
	}
	b[from] = '{' // in place of the first comma
	return append(b, '}')
}

// appendNamed appends a member, which begins with its comma and its name; none for "".
func appendNamed(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return appendString(append(b, name...), value)
}

func appendNumber(b []byte, name string, n int64) []byte {
	if n == 0 {
		return b
	}
	return strconv.AppendInt(append(b, name...), n, 10)
}

func appendList(b []byte, name string, values []string) []byte {
	if len(values) == 0 {
		return b
	}
	b = append(b, name...)
	for i, v := range values {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, v)
	}
	return append(b, ']')
}

// appendString appends a JSON string. What is not plain ASCII is left to encoding/json.
func appendString(b []byte, s string) []byte {
	for i := range len(s) {
		if !asItStands[s[i]] {
			text, _ := json.Marshal(s) // of a string there is no error
			return append(b, text...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// asItStands are the bytes that a JSON string of encoding/json has as they are.
var asItStands = func() (is [256]bool) {
	for c := 0x20; c <= 0x7e; c++ {
		is[c] = !strings.ContainsRune(`"\<>&`, rune(c))
	}
	return is
}()
