// Package vaccination has the operations on a person's vaccinations, without HTTP:
//
//	$immds-forecast         stateless, or of a Patient here            forecast.go, parameters.go
//	$immunization-summary   what was given, what counts, what is due   summary.go
//	contraindications             what they are looked for in, as the caller sees it: screening.go
//	Rules.Hook              what is refused or warned of when a dose is sent in: rules.go
//
// A Patient is named by id or by an identifier such as the citizen ID; Patients that are linked as the same person are one
// person (person.go). All of one answer is as of one commit. Start reading at Service.Forecast.
package vaccination
