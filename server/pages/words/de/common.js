export default {
  pages: "Seiten",
  language: "Sprache",
  events: "Veranstaltungen",
  account: "Konto",
  organise: "Veranstalten",
  admin: "Admin",
  skip: "Zum Inhalt springen",
  unreachable: "Der Server ist nicht zu erreichen. Prüfen Sie Ihre Verbindung; wir versuchen es von selbst wieder.",
  again: "Noch einmal versuchen",
  close: "Schließen",
  free: "kostenlos",
};
