package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/rest"
	"github.com/lienthong/lienthong/fhir/store"
)

// newsTypes are the resources that tell what happened to a claim.
var newsTypes = map[fhir.Type]bool{"Task": true, "ClaimResponse": true, "DetectedIssue": true, "PaymentNotice": true, "PaymentReconciliation": true}

// news is a change that the caller may see.
type news struct {
	Resource string    `json:"resource"` // Type/id
	Version  string    `json:"version"`
	At       time.Time `json:"at"`
	Deleted  bool      `json:"deleted,omitempty"`
}

// Bounds of one answer.
const (
	newsMost    = 500
	newsCommits = 5_000
)

// claimNews is the operation GET Claim/$claim-news?after=TOKEN: what happened to claims after the answer that gave the token, in the
// order in which it was committed (FEED); without one, from the first commit. A hospital that asks again and again with the token
// next misses nothing. An answer may be empty and yet have a further token; more says whether to ask again at once.
func claimNews(n *node, base string) rest.Operation {
	return rest.Operation{
		Name: "claim-news", Type: "Claim", Reads: true, Definition: base + "/fhir/OperationDefinition/Claim-claim-news",
		Serve: func(ctx context.Context, a rest.Asked) (rest.Content, error) {
			q, plain, err := question(a)
			if err != nil {
				return rest.Content{}, err
			}
			after, err := openNewsToken(q.Get("after"))
			if err != nil {
				return rest.Content{}, err
			}
			q.Del("after")
			if err := nothingElse(q); err != nil {
				return rest.Content{}, err
			}
			head, err := n.store.Head(ctx)
			if err != nil {
				return rest.Content{}, err
			}
			if after > head {
				return rest.Content{}, fhir.Errorf(fhir.Invalid, "case-page", "http.after")
			}
			out := struct {
				News []news `json:"news"`
				Next string `json:"next"`
				More bool   `json:"more"`
			}{News: []news{}}
			b := []byte(`{"resourceType":"Bundle","type":"collection","entry":[`)
			at, commits := after, 0
			for c, err := range n.store.Outlines(ctx, after) {
				if err != nil {
					return rest.Content{}, err
				}
				if commits == newsCommits || len(out.News) >= newsMost {
					out.More = true
					break
				}
				at, commits = c.T, commits+1
				for _, w := range c.Writes {
					if !newsTypes[w.Key.Type] {
						continue
					}
					f, err := n.seen(ctx, w)
					if err != nil {
						return rest.Content{}, err
					}
					if f == nil {
						continue
					}
					out.News = append(out.News, news{w.Key.String(), w.Version.String(), w.At.Time().UTC(), w.Deleted()})
					if w.Deleted() || plain {
						continue
					}
					if b[len(b)-1] != '[' {
						b = append(b, ',')
					}
					b = append(f.Stored.Append(append(b, `{"resource":`...), f.Version, f.At), '}')
				}
			}
			out.Next = newsToken(at)
			return inForm(plain, out, func() []byte {
				self, _ := json.Marshal(a.Base + "/Claim/$claim-news?after=" + out.Next)
				return append(append(append(b, `],"link":[{"relation":"next","url":`...), self...), "}]}"...)
			})
		},
	}
}

// seen reads a version of the feed as the caller may see it; nil if he may not.
func (n *node) seen(ctx context.Context, w store.Found) (*store.Found, error) {
	f, err := n.store.ReadVersion(ctx, w.Key, w.Version)
	if err == nil || w.Deleted() && gone(err) {
		return &f, nil
	}
	if hidden(err) {
		return nil, nil
	}
	return nil, err
}

func newsToken(t fhir.T) string {
	return base64.RawURLEncoding.EncodeToString([]byte("t" + strconv.FormatUint(uint64(t), 10)))
}

func openNewsToken(s string) (fhir.T, error) {
	if s == "" {
		return 0, nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(s)
	digits, ok := strings.CutPrefix(string(raw), "t")
	if err == nil && ok {
		if n, err := strconv.ParseUint(digits, 10, 63); err == nil {
			return fhir.T(n), nil
		}
	}
	return 0, fhir.Errorf(fhir.Invalid, "case-page", "http.after")
}
