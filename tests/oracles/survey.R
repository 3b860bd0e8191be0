# Random audit designs, estimated with R's survey package. Writes golden_survey.json beside this file:
#
#     Rscript tests/oracles/survey.R [seed file]
#
# It holds the designs (data and arguments) and what R makes of them, so that the comparison needs no R.
# tests/test_estimation.py reads it, or another file of other designs that CDI_GOLDEN names.
suppressPackageStartupMessages(library(survey))
RNGversion("4.0.0")
given <- commandArgs(TRUE)
set.seed(if (length(given)) as.integer(given[1]) else 20191130)
options(survey.adjust.domain.lonely = FALSE)

here <- dirname(sub("^--file=", "", grep("^--file=", commandArgs(FALSE), value = TRUE)[1]))
DESIGNS <- 400
AWKWARD <- 100 # more of them, with strata outside the domain, several lonely clusters and very unequal weights
LONELY <- c("certainty", "adjust", "average")

# ---- JSON (no package needed) ----
number <- function(x) {
  short <- sprintf("%.15g", x)
  ifelse(is.na(x), "null", ifelse(suppressWarnings(as.numeric(short)) == x, short, sprintf("%.17g", x)))
}
text <- function(x) ifelse(is.na(x), "null", paste0("\"", x, "\""))
json <- function(x) {
  if (is.list(x)) {
    return(paste0("{", paste(sprintf("\"%s\": %s", names(x), vapply(x, json, "")), collapse = ", "), "}"))
  }
  if (is.null(x)) return("null")
  values <- if (is.character(x)) text(x) else if (is.logical(x)) ifelse(is.na(x), "null", ifelse(x, "true", "false")) else number(x)
  if (length(x) == 1 && is.null(attr(x, "column"))) return(values)
  if (!is.null(names(x))) {
    return(paste0("{", paste(sprintf("\"%s\": %s", names(x), values), collapse = ", "), "}"))
  }
  paste0("[", paste(values, collapse = ","), "]")
}
column <- function(x) structure(unname(x), column = TRUE)

# ---- one random design ----
draw <- function(i) {
  awkward <- i > DESIGNS
  strata <- if (awkward) sample(2:9, 1) else sample(1:5, 1)
  clustered <- runif(1) < 0.7
  lonely <- strata > 2 && runif(1) < 0.25
  incidents <- sample(4:20, strata, replace = TRUE)
  if (awkward) incidents <- sample(c(2, 3, 5, 40), strata, replace = TRUE)
  if (lonely) incidents[if (awkward) sample(strata, 2) else 1] <- 1
  rate <- runif(1, 0.4, 0.99)
  rows <- do.call(rbind, lapply(seq_len(strata), function(h) do.call(rbind, lapply(seq_len(incidents[h]), function(c) {
    crimes <- if (clustered) sample(0:4, 1, prob = c(0.08, 0.5, 0.22, 0.15, 0.05)) else 1
    if (c == 1) crimes <- max(crimes, 1) # each stratum holds a crime
    common <- runif(1) < rate # crimes of one incident resemble each other
    outcome <- if (crimes) ifelse(runif(crimes) < 0.4, common, runif(crimes) < rate) else NA
    data.frame(stratum = paste0("s", h), incident = 100 * h + c, recorded = as.integer(outcome))
  }))))
  rows$kind <- sample(c("v", "s", "o"), nrow(rows), replace = TRUE, prob = c(0.5, 0.2, 0.3))
  rows$domain <- runif(nrow(rows)) < runif(1, 0.2, 0.9)
  rows$domain[which(!is.na(rows$recorded))[1:2]] <- TRUE
  if (awkward) {
    rows$domain[rows$stratum %in% c("s1", if (strata > 4) "s3")] <- FALSE
    if (!any(rows$domain & !is.na(rows$recorded))) rows$domain[which(!is.na(rows$recorded))[1]] <- TRUE
  }
  rows$other <- runif(nrow(rows)) < 0.5 # a second domain, overlapping the first
  rows$other[which(!is.na(rows$recorded))[3]] <- TRUE
  rows$weight <- if (awkward) signif(exp(rnorm(nrow(rows), 0, 1.5)), 4) else round(runif(nrow(rows), 0.5, 20), 1)
  rows <- rows[sample(nrow(rows)), ]
  unit <- if (clustered && runif(1) < 0.5) "clusters" else "crimes"
  infinite <- runif(1) < 0.25
  weighted <- runif(1) < 0.4 || (infinite && strata > 1)
  list(rows = rows, awkward = awkward, strata = strata > 1, clustered = clustered, unit = unit, infinite = infinite, weighted = weighted,
       lonely = if (any(incidents == 1)) sample(LONELY, 1) else "fail")
}

estimate <- function(case) {
  rows <- case$rows
  rows$x <- as.numeric(!is.na(rows$recorded))
  rows$y <- ifelse(is.na(rows$recorded), 0, rows$recorded)
  rows$group <- if (case$strata) rows$stratum else "all"
  sampled <- if (case$unit == "clusters") {
    tapply(rows$incident, rows$group, function(v) length(unique(v)))
  } else tapply(rows$x, rows$group, sum)
  # One stratum of ten is a census.
  size <- setNames(ifelse(runif(length(sampled)) < 0.1, sampled, sampled + floor(rexp(length(sampled), 1 / (5 * sampled)))), names(sampled))
  rows$w <- if (case$weighted) rows$weight else if (case$infinite) 1 else (size / sampled)[rows$group]
  # survey takes the population in clusters: so many that the sampling fraction is sampled / size.
  clusters <- tapply(if (case$clustered) rows$incident else seq_along(rows$x), rows$group, function(v) length(unique(v)))
  rows$size <- (clusters * size / sampled)[rows$group]
  options(survey.lonely.psu = case$lonely)
  design <- svydesign(ids = if (case$clustered) ~incident else ~1, strata = if (case$strata) ~stratum else NULL,
                      weights = ~w, fpc = if (case$infinite) NULL else ~size, data = rows)
  results <- list()
  keep <- function(name, value, se) results[[name]] <<- c(value = unname(value)[1], se = unname(se)[1])
  ratio <- svyratio(~y, ~x, design)
  keep("ratio", coef(ratio), SE(ratio))
  inside <- subset(design, domain & x == 1)
  ratio <- svyratio(~y, ~x, inside)
  keep("domain", coef(ratio), SE(ratio))
  if (coef(ratio) > 0 && coef(ratio) < 1 && SE(ratio) > 1e-9 && degf(inside) > 0) {
    suppressWarnings({
      results$beta <- unname(attr(svyciprop(~y, inside, method = "beta"), "ci"))
      results$logit <- unname(attr(svyciprop(~y, inside, method = "xlogit"), "ci"))
    })
  }
  total <- svytotal(~y, inside)
  keep("total_recorded", coef(total), SE(total))
  design <- update(design, no = x - y, xa = x * domain, ya = y * domain, xb = x * other, yb = y * other)
  total <- svytotal(~no, design)
  keep("total_unrecorded", coef(total), SE(total))
  total <- svytotal(~x, design)
  keep("total_audited", coef(total), SE(total))
  # This contrast averages over all strata, a subset (and this library) over those where the domains have crimes.
  if (!(case$awkward && case$lonely == "average")) {
    gap <- svycontrast(svytotal(~ xa + ya + xb + yb, design), quote(ya / xa - yb / xb))
    keep("domain_difference", coef(gap), SE(gap))
  }

  # A t test of domain against the rest, and of the first stratum against the others: two independent samples.
  compared <- subset(update(design, first = stratum == "s1"), x == 1)
  for (by in c("domain", if (case$strata) "first")) {
    if (length(unique(compared$variables[[by]])) == 2) {
      # survey scales the weights before it fits, so a standard error of nothing but rounding is not one
      test <- suppressWarnings(svyttest(as.formula(paste("y ~", by)), compared))
      se <- unname(test$estimate / test$statistic)
      if (is.finite(se) && se > 1e-9 && test$parameter > 0) {
        results[[paste0("ttest_", by)]] <- c(value = unname(test$estimate), se = se, df = unname(test$parameter),
                                             p = unname(test$p.value))
      }
    }
  }

  crime <- rows$x == 1
  known <- round(runif(3, 50, 5000))
  names(known) <- c("v", "s", "o")
  present <- names(known)[names(known) %in% rows$kind[crime]]
  known <- known[present]
  # Recorded crime over estimated reported crime, as a nonlinear function of totals by crime type.
  for (k in present) {
    design$variables[[paste0("x_", k)]] <- rows$x * (rows$kind == k)
    design$variables[[paste0("y_", k)]] <- rows$y * (rows$kind == k)
  }
  if (all(vapply(present, function(k) sum(design$variables[[paste0("y_", k)]]) > 0, NA))) {
    totals <- svytotal(as.formula(paste("~", paste0("x_", present, " + y_", present, collapse = " + "))), design)
    reported <- paste0(known, " * x_", present, " / y_", present, collapse = " + ")
    rate <- svycontrast(totals, parse(text = paste(sum(known), "/ (", reported, ")"))[[1]])
    keep("stratified", coef(rate), SE(rate))
  }
  if (all(crime) && case$lonely != "average") { # survey needs a group for every row
    post <- postStratify(design, ~kind, data.frame(kind = present, Freq = unname(known)))
    rate <- svyratio(~y, ~x, post)
    keep("post_stratified", coef(rate), SE(rate))
    rate <- svyratio(~y, ~x, subset(post, domain))
    keep("post_stratified_domain", coef(rate), SE(rate))
    # The same units by kind and by domain: two margins of one total.
    inside <- floor(0.6 * sum(known))
    if (length(present) > 1 && length(unique(rows$domain)) == 2 && min(known) >= nrow(rows) &&
        all(table(rows$kind, rows$domain) > 0)) {
      totals <- c(`(Intercept)` = sum(known), setNames(known, paste0("kind", names(known))), domainTRUE = inside)
      design$variables$kind <- factor(rows$kind)
      columns <- colnames(model.matrix(~ kind + domain, design$variables))
      raked <- tryCatch( # its Newton steps do not always arrive
        suppressWarnings(calibrate(design, ~ kind + domain, totals[columns], calfun = "raking", epsilon = 1e-12, maxit = 200)),
        error = function(e) NULL
      )
      if (!is.null(raked)) {
        rate <- svyratio(~y, ~x, raked)
        keep("raked", coef(rate), SE(rate))
      }
      if (!is.null(raked) && any(rows$other)) {
        rate <- svyratio(~y, ~x, subset(raked, other))
        keep("raked_domain", coef(rate), SE(rate))
      }
    }
  }
  list(
    strata = if (case$strata) "stratum" else NULL, clusters = if (case$clustered) "incident" else NULL,
    weights = if (case$weighted) "weight" else NULL, unit = case$unit, lonely = case$lonely,
    population = if (case$infinite) NULL else if (case$strata) column_named(size) else unname(size),
    known = column_named(known),
    columns = list(stratum = column(rows$stratum), incident = column(rows$incident), recorded = column(rows$recorded),
                   kind = column(rows$kind), domain = column(as.integer(rows$domain)), other = column(as.integer(rows$other)),
                   weight = column(rows$weight)),
    results = results
  )
}
column_named <- function(x) structure(x, column = TRUE)

cases <- vapply(seq_len(DESIGNS + AWKWARD), function(i) {
  case <- draw(i)
  tryCatch(json(estimate(case)), error = function(e) stop("design ", i, ": ", conditionMessage(e)))
}, "")
writeLines(c(
  "{",
  sprintf("\"source\": \"R %s, survey %s\",", getRversion(), packageVersion("survey")),
  "\"call\": \"Rscript tests/oracles/survey.R\",",
  "\"functions\": \"svyratio, svytotal, svycontrast, svyttest, postStratify, calibrate, svyciprop\",",
  "\"cases\": [", paste(cases, collapse = ",\n"), "]}"
), if (length(given)) given[2] else file.path(here, "golden_survey.json"))
