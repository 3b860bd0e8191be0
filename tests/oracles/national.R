# The rate of several forces together, by R's survey: forces are strata, incidents clusters, recorded crime is known.
# Makes golden_national.json: Rscript tests/oracles/national.R
suppressMessages(library(survey))
here <- dirname(sub("--file=", "", grep("--file=", commandArgs(FALSE), value = TRUE)))
set.seed(20250401)
recorded <- c(61200, 8930, 30410, 120050)
true <- c(0.93, 0.81, 0.88, 0.95)
rows <- do.call(rbind, lapply(seq_along(recorded), function(k) {
  crimes <- sample(1:3, 60, replace = TRUE)
  incident <- rep(seq_along(crimes), crimes)
  alike <- runif(60) < true[k] # crimes of one incident resemble each other
  data.frame(force = k, incident = 100 * k + incident, x = 1,
             y = as.integer(ifelse(runif(length(incident)) < 0.4, alike[incident], runif(length(incident)) < true[k])))
}))
for (k in seq_along(recorded)) {
  rows[[paste0("x_", k)]] <- rows$x * (rows$force == k)
  rows[[paste0("y_", k)]] <- rows$y * (rows$force == k)
}
design <- svydesign(ids = ~incident, strata = ~force, weights = ~1, data = rows)
ks <- seq_along(recorded)
own <- lapply(ks, function(k) svyratio(~y, ~x, subset(design, force == k)))
totals <- svytotal(as.formula(paste("~", paste0("x_", ks, " + y_", ks, collapse = " + "))), design)
reported <- paste0(recorded, " * x_", ks, " / y_", ks, collapse = " + ")
whole <- svycontrast(totals, parse(text = paste(sum(recorded), "/ (", reported, ")"))[[1]])
on_odds <- svycontrast(whole, quote(log(contrast / (1 - contrast))))
list_of <- function(values) paste0("[", paste(sprintf("%.17g", values), collapse = ", "), "]")
writeLines(c(
  "{",
  sprintf("\"source\": \"R %s, survey %s\",", getRversion(), packageVersion("survey")),
  "\"call\": \"Rscript tests/oracles/national.R\",",
  "\"functions\": \"svyratio, svytotal, svycontrast, confint\",",
  paste0("\"recorded\": ", list_of(recorded), ","),
  paste0("\"rates\": ", list_of(vapply(own, coef, 0)), ","),
  paste0("\"ses\": ", list_of(vapply(own, SE, 0)), ","),
  paste0("\"national\": ", list_of(c(coef(whole), plogis(as.numeric(confint(on_odds)))))),
  "}"
), file.path(here, "golden_national.json"))
