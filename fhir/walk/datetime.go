package walk

// Precision says how much of a DateTime was given.
type Precision uint8

const (
	Year Precision = iota + 1
	Month
	Day
	Minute // only in searches; elements of documents have seconds
	Second
	Fraction
)

// DateTime is a FHIR date, dateTime or instant, taken apart. What was not given is 0, but Month and Day, which are 1.
type DateTime struct {
	Year, Month, Day     int
	Hour, Minute, Second int // Second may be 60
	Nano                 int
	Digits               int // of the fraction; 0 if there is none
	Offset               int // minutes east of UTC
	Zoned                bool
	Precision            Precision
}

// ParseDateTime reads YYYY, YYYY-MM, YYYY-MM-DD, and with a time YYYY-MM-DDThh:mm[:ss[.fff]][Z|±hh:mm]. It checks the
// calendar; ok is false for anything else. Whether seconds and a zone are needed is for the caller to say.
// https://hl7.org/fhir/R4/datatypes.html#dateTime
func ParseDateTime[T string | []byte](s T) (d DateTime, ok bool) {
	d.Month, d.Day = 1, 1
	if len(s) < 4 {
		return d, false
	}
	if d.Year, ok = digits(s[:4]); !ok || d.Year == 0 {
		return d, false
	}
	d.Precision = Year
	if len(s) == 4 {
		return d, true
	}
	if len(s) < 7 || s[4] != '-' {
		return d, false
	}
	if d.Month, ok = digits(s[5:7]); !ok || d.Month < 1 || d.Month > 12 {
		return d, false
	}
	d.Precision = Month
	if len(s) == 7 {
		return d, true
	}
	if len(s) < 10 || s[7] != '-' {
		return d, false
	}
	if d.Day, ok = digits(s[8:10]); !ok || d.Day < 1 || d.Day > daysIn(d.Year, d.Month) {
		return d, false
	}
	d.Precision = Day
	if len(s) == 10 {
		return d, true
	}
	if s[10] != 'T' {
		return d, false
	}
	return d, clock(s[11:], &d)
}

// clock reads hh:mm[:ss[.fff]] and the zone.
func clock[T string | []byte](s T, d *DateTime) bool {
	n, ok := timeOfDay(s, d)
	if !ok {
		return false
	}
	s = s[n:]
	switch {
	case len(s) == 0:
		return true
	case len(s) == 1 && s[0] == 'Z':
		d.Zoned = true
		return true
	case len(s) != 6 || s[0] != '+' && s[0] != '-' || s[3] != ':':
		return false
	}
	h, ok1 := digits(s[1:3])
	m, ok2 := digits(s[4:6])
	if !ok1 || !ok2 || h > 14 || m > 59 || h == 14 && m != 0 {
		return false
	}
	d.Zoned, d.Offset = true, h*60+m
	if s[0] == '-' {
		d.Offset = -d.Offset
	}
	return true
}

// timeOfDay reads hh:mm[:ss[.fff]] and gives the number of bytes read.
func timeOfDay[T string | []byte](s T, d *DateTime) (n int, ok bool) {
	if len(s) < 5 || s[2] != ':' {
		return 0, false
	}
	if d.Hour, ok = digits(s[:2]); !ok || d.Hour > 23 {
		return 0, false
	}
	if d.Minute, ok = digits(s[3:5]); !ok || d.Minute > 59 {
		return 0, false
	}
	d.Precision = Minute
	if len(s) < 8 || s[5] != ':' {
		return 5, true
	}
	if d.Second, ok = digits(s[6:8]); !ok || d.Second > 60 {
		return 0, false
	}
	d.Precision = Second
	if len(s) == 8 || s[8] != '.' {
		return 8, true
	}
	n = 9
	for scale := 100_000_000; n < len(s) && s[n] >= '0' && s[n] <= '9'; n++ {
		d.Nano += int(s[n]-'0') * scale
		scale /= 10
	}
	d.Digits, d.Precision = n-9, Fraction
	return n, n > 9
}

// digits reads a decimal number; s has digits only or ok is false.
func digits[T string | []byte](s T) (n int, ok bool) {
	for i := 0; i < len(s); i++ {
		c := s[i] - '0'
		if c > 9 {
			return 0, false
		}
		n = n*10 + int(c)
	}
	return n, true
}

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}
