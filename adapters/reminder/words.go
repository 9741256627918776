package reminder

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/lienthong/lienthong/fhir"
	"github.com/lienthong/lienthong/fhir/immunization"
	"github.com/lienthong/lienthong/fhir/registry"
	"github.com/lienthong/lienthong/fhir/resource"
)

const hl7 = "http://terminology.hl7.org/CodeSystem/"

// request is the CommunicationRequest. It has the words but no address: where it goes is looked up when it is sent.
// Source: https://hl7.org/fhir/R4/communicationrequest.html
func (r *Reminders) request(id string, it *item, to *reached, doses []registry.WaitingDose) resource.ObjectOf {
	subject := resource.ObjectOf{"reference", "Patient/" + string(it.Patient)}
	out := resource.ObjectOf{
		"resourceType", "CommunicationRequest", "id", id, "status", "active",
		"category", resource.ListOf{resource.ObjectOf{"coding", resource.ListOf{resource.ObjectOf{"system", hl7 + "communication-category", "code", "reminder"}}}},
		"medium", resource.ListOf{resource.ObjectOf{"coding", resource.ListOf{resource.ObjectOf{"system", hl7 + "v3-ParticipationMode", "code", it.Medium}}}},
		"subject", subject,
		"payload", resource.ListOf{resource.ObjectOf{"contentString", r.text(to, doses)}},
		"authoredOn", r.Now().UTC().Format(time.RFC3339),
		"recipient", resource.ListOf{subject},
	}
	if it.Clinic != "" {
		out = append(out, "sender", resource.ObjectOf{"reference", "Organization/" + string(it.Clinic)})
	}
	return out
}

// text says what is due, since when, and whom to ask.
func (r *Reminders) text(to *reached, doses []registry.WaitingDose) string {
	name := ""
	for n := range to.patient.Get("name").Elements() {
		if name == "" {
			name = n.Get("text").Text()
		}
	}
	var due []string
	for _, d := range doses {
		due = append(due, r.dose(d, to.english))
	}
	slices.Sort(due)
	where := strings.Trim(to.clinicName+", "+to.clinicPhone, ", ")
	if to.english {
		text := fmt.Sprintf("Vaccination reminder: %s is due for %s.", name, strings.Join(due, ", "))
		if where != "" {
			text += " Please come to " + where + "."
		}
		return text + " Tell your clinic if you do not want reminders."
	}
	text := fmt.Sprintf("Nhắc tiêm chủng: %s đến hạn tiêm %s.", name, strings.Join(due, ", "))
	if where != "" {
		text += " Mời đến " + where + "."
	}
	return text + " Nếu không muốn nhận tin nhắc, hãy báo cơ sở tiêm."
}

func (r *Reminders) dose(d registry.WaitingDose, english bool) string {
	in, _ := r.Schedules.On(immunization.LocalDay(r.Now()))
	for _, s := range in {
		if f := s.Find(d.Series); f != nil {
			if english {
				return fmt.Sprintf("%s (dose %d)", f.DiseaseEn, d.Number)
			}
			return fmt.Sprintf("%s (mũi %d)", f.VaccineVi, d.Number)
		}
	}
	return d.Series
}

// message is what is sent, looked up in this moment: why says that it must not be any more.
func (r *Reminders) message(ctx context.Context, id fhir.ID, it *item) (m Message, why string, err error) {
	doc, err := r.read(ctx, fhir.Key{Type: "CommunicationRequest", ID: id})
	if err != nil {
		return m, "", err
	}
	if doc.Get("status").Text() != "active" {
		return m, "withdrawn", nil
	}
	w, err := r.Registry.WaitingOf(ctx, it.Patient)
	if err != nil {
		return m, "", err
	}
	if w != nil {
		if w.Doses, err = r.Registry.Advisable(ctx, w, w.Doses); err != nil {
			return m, "", err
		}
	}
	if w == nil || !r.stillDue(w, it) {
		return m, "not-due", nil
	}
	to, err := r.reach(ctx, *w)
	if err != nil {
		return m, "", err
	}
	if to == nil || r.Senders[it.Medium] == nil {
		return m, "not-agreed", nil
	}
	it.Medium = to.medium
	subject := "Nhắc tiêm chủng"
	if to.english {
		subject = "Vaccination reminder"
	}
	return Message{ID: string(id), To: to.address, Subject: subject, Text: doc.Get("payload").At(0).Get("contentString").Text()}, "", nil
}

// stillDue says whether a dose of the occasions is still not given.
func (r *Reminders) stillDue(w *registry.Waiting, it *item) bool {
	for _, d := range w.Doses {
		for _, o := range it.Occasions {
			if p := strings.Split(o, separator); p[2] == d.Series && p[3] == fmt.Sprint(d.Number) {
				return true
			}
		}
	}
	return false
}

// communication says that the message was taken.
func (r *Reminders) communication(id fhir.ID, request resource.Value, at time.Time) resource.ObjectOf {
	out := resource.ObjectOf{
		"resourceType", "Communication", "id", uuid.NewSHA1(uuid.NameSpaceURL, []byte("sent|"+string(id))).String(),
		"basedOn", resource.ListOf{resource.ObjectOf{"reference", "CommunicationRequest/" + string(id)}},
		"status", "completed", "sent", at.UTC().Format(time.RFC3339),
	}
	for _, name := range []string{"category", "medium", "subject", "recipient", "sender", "payload"} {
		if v := request.Get(name); v.Kind() != resource.None {
			out = append(out, name, resource.Literal(v.Raw()))
		}
	}
	return out
}

// withStatus is the request with another status, and a word why.
func withStatus(request resource.Value, status, why string) (*resource.Document, error) {
	out := resource.ObjectOf{}
	for name, v := range request.Members() {
		switch name {
		case "status":
			out = append(out, "status", status)
			if why != "" {
				out = append(out, "statusReason", resource.ObjectOf{"coding", resource.ListOf{resource.ObjectOf{
					"system", "https://lienthong.example/fhir/CodeSystem/reminder-status-reason", "code", why}}})
			}
		case "statusReason", "meta":
		default:
			out = append(out, name, resource.Literal(v.Raw()))
		}
	}
	return resource.New(resource.AppendJSON(nil, out))
}
