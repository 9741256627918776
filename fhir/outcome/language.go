package outcome

import "golang.org/x/text/language"

// Language is one that the catalogue has texts in, as a BCP 47 tag.
type Language string

const (
	English    Language = "en"
	Vietnamese Language = "vi"
)

// Pick gives what is said in the language; in any but English that is the Vietnamese.
func (l Language) Pick(vi, en string) string {
	if l == English {
		return en
	}
	return vi
}

var matcher = language.NewMatcher([]language.Tag{language.English, language.Vietnamese})

// ParseLanguage reads an Accept-Language header, such as "vi-VN,vi;q=0.9,en;q=0.5". What cannot be read, or asks only
// for other languages, gives English.
func ParseLanguage(accept string) Language {
	if accept == "" || len(accept) > 200 {
		return English
	}
	tags, _, err := language.ParseAcceptLanguage(accept)
	if err != nil || len(tags) == 0 {
		return English
	}
	if _, i, confidence := matcher.Match(tags...); i == 1 && confidence >= language.Low {
		return Vietnamese
	}
	return English
}
