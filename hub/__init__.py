"""A replica that also listens: enrolment, accounts, the map, questions about the whole site."""
