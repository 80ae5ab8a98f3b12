"""What the floor is made of. No setting, variable or environment reaches these."""

import re

# k: distinct resolved people in each role that a figure rests on; and for sensitive measures.
MINIMUM_PEOPLE = 5
SENSITIVE_MINIMUM = 10
# Events behind a figure of people, and behind a quantile of theirs.
MINIMUM_EVENTS = 10
QUANTILE_EVENTS = {"p50": 20, "p85": 80}
# Contributors in the trailing days behind a service whose figures of class S are told.
SERVICE_MINIMUM = 3
SERVICE_DAYS = 182

GRAINS = ("team", "value_stream", "system", "portfolio")
BUCKETS = ("week", "period", "quarter")
STATISTICS = (
    "p50",
    "p85",
    "mean",
    "ratio",
    "share",
    "count",
    "rate",
    "class",
    "index",
    "gap",
    "trend",
    "coefficient",
    "difference",
    "total",
    "return",
    "worth",
)
# What may lie below nothing.
SIGNED_STATISTICS = ("coefficient", "difference", "return", "trend", "worth")
CLOCKS = ("wall", "working", "none")
STATUSES = ("ok", "withheld", "no_data", "not_measurable")
METHODS = (
    "band",
    "beta_logit",
    "census",
    "delta_log_t",
    "delta_logit_t",
    "delta_t",
    "gini",
    "kaplan_meier",
    "mover",
    "order_statistics",
    "poisson_wilson_hilferty",
    "ridge_t",
    "t",
    "theil_sen",
    "wilson",
)
STAGES = ("dev", "review", "integration", "deploy")
# What the waiting in Integration parts into.
INTEGRATION_PARTS = ("ci", "other")
# What tracker items are, one of these each.
WORK_TYPES = ("feature", "defect", "debt", "risk", "unplanned")
# Slices that part a population: each value has sides of its own, all are told or none, no bands.
PARTED_SLICES = {
    "assistance": ("assisted", "unassisted"),
    "initiative": ("outcome_anticipated", "no_outcome_anticipated", "no_initiative"),
    "risk_zone": ("green", "yellow", "red"),
    "work_type": WORK_TYPES,
}
# What became of an effect that was anticipated.
EFFECTS = ("reached", "missed", "unmeasured")
# What the time of a CI run parts into.
CI_PHASES = ("queue", "run")
CHECK_KINDS = (
    "static_analysis",
    "dependencies",
    "secrets",
    "images",
    "infrastructure",
    "running_system",
)
SEVERITIES = ("critical", "high", "medium", "low", "unknown")
ROLLOUT_STEPS = ("tools", "process")
# How an effect is told from what would have been, and what that rests on.
DESIGNS = ("difference_in_differences",)
ASSUMPTIONS = ("parallel_trends",)
LINK_METHODS = ("explicit", "remediation", "window", "window_doubled", "nearest")
# What makes work easy or hard, as people say; and their experience as a whole.
DRIVERS = (
    "overall",
    "autonomy",
    "build_and_test",
    "code_review",
    "collaboration",
    "deep_work",
    "documentation",
    "ease_of_release",
    "environments",
    "learning",
    "on_call",
    "requirements_clarity",
    "tooling",
)
SOURCES = ("demo", "devlake", "files", "git", "github")
SLICES = (
    "all",
    "assistance",
    "author_kind",
    "bot_stage",
    "check_kind",
    "ci_phase",
    "driver",
    "effect",
    "experience_third",
    "initiative",
    "integration",
    "link_method",
    "risk_zone",
    "severity",
    "source",
    "stage",
    "work_type",
)
# A slice not named here splits a population in a way that the recount cannot follow.
RECOUNTED_SLICES = (
    "all",
    "author_kind",
    "bot_stage",
    "integration",
    "stage",
    *PARTED_SLICES,
)
# Ratios that add up to one with their siblings.
WHOLES = ("flow_efficiency", "wait_share")
BOT_SLICES = ("author_kind", "bot_stage")
BOT_ROLES = ("reviewer",)
ROLES = ("author", "reviewer")

# Populations that are a stock: only who is there at the bucket's end counts.
STOCK_POPULATIONS = ("in_progress",)

PEOPLE_CLASSES = ("P",)
KNOWLEDGE_CLASSES = ("K",)
SYSTEM_CLASSES = ("S",)
SURVEY_CLASSES = ("V",)
USE_CLASSES = ("U",)
SENSITIVE_CLASSES = ("X",)
CLASSES = (
    *PEOPLE_CLASSES,
    *SENSITIVE_CLASSES,
    *SURVEY_CLASSES,
    *USE_CLASSES,
    *KNOWLEDGE_CLASSES,
    *SYSTEM_CLASSES,
)

PORTFOLIO_KEY = "all"
UNASSIGNED_KEY = "unassigned"

# All that is told of knowledge: at which grain, by which statistic, of quarters.
KNOWLEDGE_METRICS = {
    "bus_factor": ("system", "count"),
    "fragile_system_share": ("value_stream", "share"),
}
# How finely an index of people's load may be told, of which groups and how often.
INDEX_STEP = 0.05
INDEX_GRAIN, INDEX_BUCKET = "team", "quarter"
# All that is told of a survey, of quarters in which a wave closed, and whom it rests on.
SURVEY_METRICS = {
    "driver_score": ("driver", ("mean",)),
    "driver_favourable_share": ("driver", ("share",)),
    "survey_response_rate": ("all", ("share",)),
    "toil_hours": ("all", ("p50", "p85")),
    "context_search_hours": ("all", ("p50", "p85")),
    "devex_driver_weight": ("driver", ("coefficient",)),
    "devex_fit": ("all", ("share",)),
    "devex_driver_attribution": ("driver", ("difference",)),
    "devex_gap": ("all", ("difference",)),
}
# Those of which a group less its parts is what is left over.
SURVEY_SUMS = ("driver_score", "driver_favourable_share", "survey_response_rate")
# The whole of an experience, what the drivers leave of it, and how its weights are estimated.
WHOLE, UNEXPLAINED = "overall", "unexplained"
RIDGE = 0.1
COMPLETE_MINIMUM = 60
SURVEY_ROLES = ("respondent",)
SURVEY_GRAINS = ("team", "value_stream", "portfolio")
# All that is told of who uses a tool, of quarters, and whom it rests on.
USE_METRICS = {
    "ai_adoption": "share",
    "ai_weekly_adoption": "share",
    "ai_value": "worth",
    "ai_return": "return",
}
USE_ROLES = ("user",)
USE_GRAINS = SURVEY_GRAINS
# A survey tells how many answered by the lower edge of these bands only.
PEOPLE_BANDS = (5, 10, 20)
# A mean lies no nearer to the ends of the scale, and its range is that of such a spread at least.
CLAMP = (1.3, 4.7)
LEAST_SPREAD = 0.75
# People on either side of an exact share of theirs; a score from here on is a favourable one.
SIDE_MINIMUM = 3
FAVOURABLE = 4
# All that is told of what is sensitive: of the portfolio's calendar years, by thirds of its teams.
SENSITIVE_METRICS = ("attrition_risk",)
SENSITIVE_ROLES = ("leaver",)
SENSITIVE_GRAIN, SENSITIVE_BUCKET = "portfolio", "quarter"
# Thirds of the teams by their told experience, and by how much the first is above the last.
EXPERIENCE_THIRDS = ("lowest", "middle", "highest")
THIRDS_GAP = "lowest_less_highest"
# The teams of a third, and the person-years from which on a tenth is no fewer than ten people.
THIRD_TEAMS = 3
BANDED_YEARS = 100
# A third is told as if so many person-years more had gone like those of all.
PRIOR_YEARS = 100
# What lands of it, and the only models that read it: of a folder, or named.
SENSITIVE_FOLDER = "attrition"
SENSITIVE_READERS = {
    "headcounts": ("stg_canonical__headcounts",),
    "stg_canonical__headcounts": ("int_headcounts", "int_source_entities"),
    "int_headcounts": (),
    "floor_attrition": ("floor_observations",),
}
# A bus factor that is fragile, and the systems of a value stream of which a share is told.
FRAGILE = 2
SYSTEMS_MINIMUM = 5

# How far a figure or a part of it can be trusted.
CONFIDENCES = ("high", "medium", "low")
PART_CONFIDENCES = (*CONFIDENCES, "unknown")

# A text column of one of these names holds nothing but its list.
COLUMN_VOCABULARY: dict[str, tuple[str, ...]] = {
    "against_target": ("met", "missed", "open", "none"),
    "assumption": ASSUMPTIONS,
    "bucket": BUCKETS,
    "clock": CLOCKS,
    "driver": DRIVERS,
    "confidence": CONFIDENCES,
    "coverage_confidence": PART_CONFIDENCES,
    "design": DESIGNS,
    "freshness_confidence": PART_CONFIDENCES,
    "grain": GRAINS,
    "limit_broken": ("upper", "lower", "none"),
    "link_method": ("all", *LINK_METHODS),
    "meaning": ("better", "worse", "changed", "none"),
    "method": METHODS,
    "sample_confidence": CONFIDENCES,
    "slice": SLICES,
    "source": SOURCES,
    "rollout_step": ROLLOUT_STEPS,
    "stage": ("all", *STAGES, "none"),
    "statistic": (*STATISTICS, "none"),
    "status": STATUSES,
}
# Words of our own: registered in every text column, and never somebody's account.
WORDS = frozenset(
    {*(word for words in COLUMN_VOCABULARY.values() for word in words)}
    | {
        *INTEGRATION_PARTS,
        *CI_PHASES,
        *EFFECTS,
        *SEVERITIES,
        *CHECK_KINDS,
        *(part for parts in PARTED_SLICES.values() for part in parts),
        *EXPERIENCE_THIRDS,
        THIRDS_GAP,
        *CLASSES,
        "human",
        "bot",
        UNEXPLAINED,
        PORTFOLIO_KEY,
        UNASSIGNED_KEY,
    }
)

# The vault, as dbt's profile and the door lay it out.
CANDIDATE_SCHEMA = "flowgrain_candidate"
ACTIVITY = "flowgrain_vault.int_activity"
HEADCOUNTS = "flowgrain_vault.int_headcounts"
SURVEY_ANSWERS = "flowgrain_vault.int_survey_answers"
SURVEY_TEAMS = "flowgrain_vault.int_survey_teams"
AI_USE = "flowgrain_vault.int_ai_use"
AI_SEATS = "flowgrain_vault.int_ai_seats"
SEEDS = "flowgrain_seeds"
PUBLISHED_GROUP = "published"
PUBLISHED_SCHEMA = "marts"
OBSERVATIONS = "metric_observations"
DRIVERS_MART = "devex_drivers"
# The sentences that are made of figures, and where they stand.
FINDINGS, SENTENCE = "findings", "sentence"
# Seeds of the catalogue whose texts may stand in a mart.
CATALOGUE_TEXTS = ("agenda_rules", "benchmarks", "finding_templates", "matrix_measures")
# The seeds that say what is measured of whom.
CATALOGUE_FILES = ("metrics", "metric_series")
# Days that may be published: of buckets and of the build.
DATE_COLUMNS = ("bucket_start", "bucket_end", "as_of")
# What a mart may say of a system whatever is withheld of it, as the seed `systems` says it.
SYSTEM_COLUMNS = ("criticality", "is_revenue_critical")
# Packages whose macros are dbt's own.
BUILT_IN_PACKAGES = ("dbt", "dbt_duckdb", "dbt_postgres", "dbt_spark")
# What Jinja knows without a macro; nobody may put another thing in its place.
JINJA_NAMES = ("ref", "source", "config", "var", "env_var", "this", "target", "adapter", "execute")
# Macros of dbt's that run a query while it compiles.
INTROSPECTING = ("run_query", "statement", "noop_statement", "print_table")
# A wide mart tells of a cell only what one of these metrics was allowed to tell.
DERIVED_FROM = {
    "ai_impact": (
        "ai_adoption",
        "ai_assisted_share",
        "stage_wait",
        "time_to_first_review",
        "reopened_rate",
        "change_fail_rate",
        "escaped_defects",
    ),
    "ai_process_impact": ("stage_time",),
    "decision_agenda": ("bus_factor", "change_fail_rate", "wait_share"),
    "findings": ("bus_factor", "change_fail_rate", "wait_share"),
    "flow_efficiency": ("flow_efficiency", "wait_share"),
    "system_knowledge": ("bus_factor",),
    "devex_drivers": ("driver_score", "driver_favourable_share", "survey_response_rate"),
    "wait_intensity": ("wait_intensity", "wait_share"),
    "dora_five_keys": (
        "deployment_frequency",
        "deployment_days",
        "change_lead_time",
        "change_fail_rate",
        "failed_deployment_recovery_time",
        "deployment_rework_rate",
        "deployment_commit_share",
        "incident_linked_share",
    ),
    "throughput_vs_quality": (
        "deployment_frequency",
        "change_lead_time",
        "flow_velocity",
        "change_fail_rate",
        "failed_deployment_recovery_time",
        "deployment_rework_rate",
    ),
}

# DuckDB 1.2 and everything later open this.
STORAGE_VERSION = "v1.2.0"

IDENTIFIER = re.compile(r"[a-z][a-z0-9_]*")
# Deny by default: a false alarm costs a better column name.
PERSON_LIKE = re.compile(
    r"person|people_?key|respondent_key|account_key|author|reviewer|committer|assignee|login|e_?mail|user_?name"
    r"|(^|_)(user|users|nickname|handle|member)(_|$)"
)
