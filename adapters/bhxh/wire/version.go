package wire

import (
	"strconv"
	"strings"
)

// PhienBan is the version of a claim file: a corrected file keeps its MA_LK, counts up and says why.
// It travels in DU_PHONG of XML1 as PB=n;LD=reason. Assumed: the insurer has fixed no place for it.
type PhienBan struct {
	So   uint64 // PB; 1 if the file says nothing
	LyDo string // LD, the reason of a resend
	Khac string // what else stood in DU_PHONG, kept as it is
}

// ParsePhienBan reads DU_PHONG; it never fails, since the field is free text.
func ParsePhienBan(duPhong string) PhienBan {
	v := PhienBan{So: 1}
	var rest []string
	for _, part := range strings.Split(duPhong, ";") {
		switch {
		case strings.HasPrefix(part, "PB="):
			n, err := strconv.ParseUint(part[3:], 10, 64)
			if err != nil || n == 0 {
				rest = append(rest, part)
				continue
			}
			v.So = n
		case strings.HasPrefix(part, "LD=") && v.LyDo == "":
			v.LyDo = part[3:]
		case part != "":
			rest = append(rest, part)
		}
	}
	v.Khac = strings.Join(rest, ";")
	return v
}

// String is the text for DU_PHONG. Semicolons in the reason become commas, since they separate.
func (v PhienBan) String() string {
	s := "PB=" + strconv.FormatUint(max(v.So, 1), 10)
	if v.LyDo != "" {
		s += ";LD=" + strings.ReplaceAll(v.LyDo, ";", ",")
	}
	if v.Khac != "" {
		s += ";" + v.Khac
	}
	return s
}
