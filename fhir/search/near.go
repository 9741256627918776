package search

import (
	"encoding/binary"
	"math"
	"strconv"

	"github.com/lienthong/lienthong/fhir/r4"
)

// near finds positions within a distance of a point. The globe is cut into cells of a tenth of a degree; the value of a
// position begins with its cell, row before column, so that a circle is a range in each row that it touches. The distance
// of what lies in these ranges is then computed: along the great circle of a globe of mean radius, which is within half a
// percent of the ellipsoid of WGS84. Altitude does not count.
//
//	near=16.05|108.2|5|km    latitude, longitude, distance, unit of UCUM; without a unit km, without a distance 10 km
//
// https://hl7.org/fhir/R4/location.html#positional

const (
	meanRadius   = 6_371_008.8 // metres
	rounding     = 0.001       // metres; what computing a distance may be off
	nearDefault  = 10_000      // metres, where the distance is left to the server
	cellsADegree = 10
	cellLen      = 4
	maxRows      = 50 // rows of cells that are ranges of their own; wider circles read all rows from first to last
)

// IsNear says whether a parameter looks for positions: near of Location, the one parameter of type special that has entries.
func IsNear(p *r4.SearchParam) bool {
	return p.Code == "near" && p.Base == "Location" && p.Type == r4.ParamSpecial
}

// AppendPosition appends the value of a position, by the literals of its coordinates in degrees; ok is false if there is
// no such place on earth.
func AppendPosition(dst []byte, latitude, longitude string) (_ []byte, ok bool) {
	lat, lon, ok := readPosition(latitude, longitude)
	if !ok {
		return dst, false
	}
	dst = binary.BigEndian.AppendUint16(dst, row(lat))
	dst = binary.BigEndian.AppendUint16(dst, column(lon))
	dst = binary.BigEndian.AppendUint64(dst, math.Float64bits(lat))
	return binary.BigEndian.AppendUint64(dst, math.Float64bits(lon)), true
}

func readPosition(latitude, longitude string) (lat, lon float64, ok bool) {
	lat, ok1 := readDegrees(latitude, 90)
	lon, ok2 := readDegrees(longitude, 180)
	return lat, lon, ok1 && ok2
}

func readDegrees(s string, most float64) (float64, bool) {
	if _, ok := readDecimal(s); !ok || len(s) > 64 {
		return 0, false
	}
	x, err := strconv.ParseFloat(s, 64)
	return x, err == nil && math.Abs(x) <= most
}

func row(lat float64) uint16    { return uint16(math.Floor((lat + 90) * cellsADegree)) }
func column(lon float64) uint16 { return uint16(math.Floor((lon + 180) * cellsADegree)) }

// bindNear reads latitude|longitude|distance|unit.
func bindNear(_ *binder, _ *r4.SearchParam, _ Parameter, value string) ([]span, bool) {
	parts := split(value, '|')
	if len(parts) < 2 || len(parts) > 4 {
		return nil, false
	}
	lat, lon, ok := readPosition(parts[0], parts[1])
	if !ok {
		return nil, false
	}
	radius, unit := float64(nearDefault), "km"
	if len(parts) == 4 && parts[3] != "" {
		unit = parts[3]
	}
	metres, ok := metresOf(unit)
	if len(parts) > 2 && parts[2] != "" {
		if _, valid := readDecimal(parts[2]); !valid || len(parts[2]) > 64 {
			return nil, false
		}
		distance, err := strconv.ParseFloat(parts[2], 64)
		if err != nil || distance < 0 {
			return nil, false
		}
		radius = distance * metres
	}
	return nearSpans(lat, lon, radius), ok
}

// metresOf gives the length of a unit of UCUM; mi is understood as the international mile.
func metresOf(unit string) (float64, bool) {
	if unit == "mi" {
		unit = "[mi_i]"
	}
	s := scaleOf(unit)
	if s == nil || s.bases != "m" {
		return 0, false
	}
	return float64(s.num) / float64(s.den) * math.Pow10(s.exp), true
}

// nearSpans finds the positions within radius metres of a point.
func nearSpans(lat, lon, radius float64) []span {
	accept := func(v []byte) bool {
		if len(v) != cellLen+16 {
			return false
		}
		a := math.Float64frombits(binary.BigEndian.Uint64(v[cellLen:]))
		b := math.Float64frombits(binary.BigEndian.Uint64(v[cellLen+8:]))
		return Distance(lat, lon, a, b) <= radius+rounding
	}
	// A little more than the circle, so that rounding loses nothing at its edge.
	angle := radius/meanRadius*(1+1e-9) + 1e-9
	reach := angle * 180 / math.Pi
	south, north := max(lat-reach, -90), min(lat+reach, 90)
	first, last := row(south), row(north)
	whole := lat-reach <= -90 || lat+reach >= 90
	if whole || int(last)-int(first) >= maxRows {
		return []span{{low: cell(first, 0), high: cell(last+1, 0), accept: accept}}
	}
	across := math.Asin(min(1, math.Sin(angle)/math.Cos(lat*math.Pi/180)))*180/math.Pi + 1e-9
	west, east := lon-across, lon+across
	var out []span
	for r := first; r <= last; r++ {
		between := func(west, east float64) {
			out = append(out, span{low: cell(r, column(west)), high: cell(r, column(east)+1), accept: accept})
		}
		switch { // the circle may cross the line where the date changes
		case west < -180:
			between(-180, east)
			between(west+360, 180)
		case east > 180:
			between(west, 180)
			between(-180, east-360)
		case west == -180 || east == 180: // the same meridian by both its names
			between(-180, -180)
			between(180, 180)
			between(west, east)
		default:
			between(west, east)
		}
	}
	return out
}

func cell(row, column uint16) []byte {
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(nil, row), column)
}

// Distance gives the metres between two places along the great circle.
func Distance(latA, lonA, latB, lonB float64) float64 {
	const degree = math.Pi / 180
	up := math.Sin((latB - latA) * degree / 2)
	along := math.Sin((lonB - lonA) * degree / 2)
	h := up*up + math.Cos(latA*degree)*math.Cos(latB*degree)*along*along
	return 2 * meanRadius * math.Asin(math.Sqrt(min(1, h)))
}
