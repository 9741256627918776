// Package mirror keeps the current resources as BSON documents in a MongoDB database, for analysts and their tools: one
// collection for each type, fed from the store's feed. It is never the source of an answer: it comes after the store, by what
// Lag tells, and knows no fences, so whoever may read it sees all of it.
//
//	Patient    {_id: "p1", _version: 3, _commit: 42, _lastUpdated: <date>, resourceType: "Patient", id: "p1",
//	            birthDate: "1990-05-17", birthDate_date: <date>, …}
//	_mirror    {_id: "position", commit: 42}
//
// Members stand as they were sent. Numbers are exact: integers as such, others as Decimal128 with their digits (1.50 stays 1.50), as text
// where 34 digits do not hold them. A string that is a whole date or time has a Date beside it, NAME_date: a date is midnight in Viet
// Nam, and a year or month alone has none. Deletes remove. A resource that is too long for a document is there with its id alone.
//
// Each write is an upsert that holds only against older versions, and the position is saved after what it stands for: who dies in between
// does the same again. Several servers may feed one mirror; one is enough.
//
// It may import mongo-driver, resource and store. Start reading at Mirror.Run, then document.
package mirror
