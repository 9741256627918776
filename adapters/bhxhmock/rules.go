package bhxhmock

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"time"

	"github.com/lienthong/lienthong/fhir/setting"
)

// DefaultRules is the file of the rules that a mock has if it is given no other; its head explains the shape.
//
//go:embed rules.yaml
var DefaultRules []byte

// maxRules bounds a file of rules.
const maxRules = 1 << 20

// Rules decide on the lines of claim files. ParseRules makes them; they do not change.
type Rules struct {
	id    string // name and hash of the file
	rules []rule
}

// ID is the name of the rules with the beginning of their file's SHA-256.
func (r *Rules) ID() string { return r.id }

// rule is one rule of the file.
type rule struct {
	Code, Kind, VI, EN string
	From, To           string // yyyy-MM-dd
	Table              string
	Where, Record      map[string][]string

	Field    string            // price, code
	Ceilings map[string]string // price: đồng
	Rates    map[string]int64  // rate: percent for each benefit code
	Free     string            `yaml:"free-below"` // rate: T_TONGCHI_BH below which all is paid
	Fields   []string          // duplicate
	Needs    string            // document
	Same     string            // document
	Pattern  string            // code
	Reduced  int               // sample: lines of a thousand
	Denied   int               // sample: lines of a thousand
	Percent  int64             // sample: what is left of a line that is reduced

	ceilings map[string]*big.Int // thousandths
	free     *big.Int            // hundredths
	pattern  *regexp.Regexp
}

// kinds are what a rule can be, each with what it needs.
var kinds = map[string]func(*rule) error{
	"price": func(r *rule) error {
		r.ceilings = map[string]*big.Int{}
		for code, price := range r.Ceilings {
			v, ok := fixed(price, 3)
			if !ok {
				return fmt.Errorf("the ceiling of %s is no amount", code)
			}
			r.ceilings[code] = v
		}
		return wants(r.Field != "" && len(r.Ceilings) > 0 && r.isDetail(), "field, ceilings and a table XML2 or XML3")
	},
	"rate": func(r *rule) error {
		for _, p := range r.Rates {
			if p < 0 || p > 100 {
				return errors.New("rates are percents")
			}
		}
		if r.Free != "" {
			var ok bool
			if r.free, ok = hundredths(r.Free); !ok {
				return errors.New("free-below is no amount")
			}
		}
		return wants(len(r.Rates) > 0, "rates")
	},
	"sum":       func(*rule) error { return nil },
	"duplicate": func(r *rule) error { return wants(len(r.Fields) > 0, "fields") },
	"overlap":   func(*rule) error { return nil },
	"document": func(r *rule) error {
		return wants(tableName.MatchString(r.Needs) && (r.Same == "" || r.Needs == "XML4"), "needs, and same with XML4 alone")
	},
	"code": func(r *rule) (err error) {
		if r.pattern, err = regexp.Compile("^(?:" + r.Pattern + ")$"); err != nil {
			return err
		}
		return wants(r.Field != "" && r.Pattern != "" && (r.isDetail() || r.Table == "XML1"), "field, pattern and a table XML1, XML2 or XML3")
	},
	"sample": func(r *rule) error {
		if r.Reduced < 0 || r.Denied < 0 || r.Reduced+r.Denied > 1000 || r.Percent < 0 || r.Percent > 100 {
			return errors.New("reduced and denied are parts of a thousand, percent is one of a hundred")
		}
		return nil
	},
}

func wants(is bool, what string) error {
	if !is {
		return errors.New("it needs " + what)
	}
	return nil
}

func (r *rule) isDetail() bool { return r.Table == "XML2" || r.Table == "XML3" }

var (
	tableName  = regexp.MustCompile(`^XML([1-9]|1[0-5])$`)
	reasonCode = regexp.MustCompile(`^[A-Z0-9-]{1,20}$`)
)

// ParseRules reads a file of rules. The error names the rule.
func ParseRules(file []byte) (*Rules, error) {
	if len(file) > maxRules {
		return nil, errors.New("the rules are larger than 1 MiB")
	}
	var all struct {
		Name  string
		Rules []rule
	}
	if err := setting.ParseYAML(file, &all); err != nil {
		return nil, fmt.Errorf("the rules: %w", err)
	}
	if all.Name == "" {
		return nil, errors.New("the rules have no name")
	}
	sum := sha256.Sum256(file)
	rs := &Rules{id: all.Name + "/" + hex.EncodeToString(sum[:8]), rules: all.Rules}
	for i := range rs.rules {
		if err := rs.rules[i].check(); err != nil {
			return nil, fmt.Errorf("rule %d (%s): %w", i+1, rs.rules[i].Code, err)
		}
	}
	return rs, nil
}

func (r *rule) check() error {
	ready, known := kinds[r.Kind]
	switch {
	case !known:
		return fmt.Errorf("there is no kind %q", r.Kind)
	case !reasonCode.MatchString(r.Code):
		return errors.New("a code is 1 to 20 of A-Z, 0-9 and -")
	case r.VI == "" || r.EN == "":
		return errors.New("it needs a text in vi and in en")
	case r.Table != "" && !slices.Contains([]string{"XML1", "XML2", "XML3"}, r.Table):
		return fmt.Errorf("there are no lines in %q", r.Table)
	}
	for _, day := range []string{r.From, r.To} {
		if _, err := time.Parse(time.DateOnly, day); day != "" && err != nil {
			return fmt.Errorf("%q is no day such as 2026-01-01", day)
		}
	}
	if r.From != "" && r.To != "" && r.From > r.To {
		return errors.New("it ends before it begins")
	}
	return ready(r)
}

// holds says whether a rule is about an episode that ended on a day (yyyy-MM-dd).
func (r *rule) holds(day string, total fields) bool {
	return (r.From == "" || r.From <= day) && (r.To == "" || day <= r.To) && matches(r.Record, total)
}

// matches says whether each field has one of the values asked for.
func matches(want map[string][]string, have fields) bool {
	for name, values := range want {
		if !slices.Contains(values, have.get(name)) {
			return false
		}
	}
	return true
}
