//! The numbers of the score, as read from the dated weights file.

/// A signal with a weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SignalId {
    /// A deadline stated by the caller.
    Declared,
    /// At least half of the tokens are streamed.
    Streaming,
    /// Practically nothing is streamed.
    NotStreaming,
    /// The caller chose a slow tier, or the same template already runs in batch.
    ToleratesSlowTier,
    /// The caller pays for the priority tier.
    PaysForPriority,
    /// A person's session.
    Human,
    /// A session that a batch-type service makes.
    BatchService,
    /// A role whose name says batch.
    BatchName,
    /// A service that usually answers requests (ECS, EKS).
    RequestService,
    /// A Step Functions execution.
    StepFunctions,
    /// Earlier answers of the model are in the request.
    AssistantTurns,
    /// Tool results are in the request.
    ToolResults,
    /// One turn, one template, different payloads.
    OneTurnTemplate,
    /// Embeddings in bulk from one principal.
    BulkEmbeddings,
    /// Runs at the same off-hours, day after day.
    OffHoursRuns,
    /// Calls cluster on minutes such as :00 and :15.
    MinutePhase,
    /// Office hours and weekend dip of people.
    HumanDiurnal,
    /// After throttling the same payload succeeded ten minutes later or more.
    WaitedLong,
    /// After throttling the same payload was sent again within seconds.
    WaitedShort,
}

/// Signals of one group share a cap, so that one kind of evidence cannot decide alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// What was said or chosen.
    Declared,
    /// What a request looks like.
    Shape,
    /// Who calls.
    Identity,
    /// When.
    Cadence,
    /// What behaviour under throttling shows.
    Revealed,
}

impl Group {
    /// Every group.
    pub const ALL: [Self; 5] = [Self::Declared, Self::Shape, Self::Identity, Self::Cadence, Self::Revealed];

    /// The name used in the weights file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Declared => "declared",
            Self::Shape => "shape",
            Self::Identity => "identity",
            Self::Cadence => "cadence",
            Self::Revealed => "revealed",
        }
    }
}

impl SignalId {
    /// Every signal.
    pub const ALL: [Self; 19] = [
        Self::Declared,
        Self::Streaming,
        Self::NotStreaming,
        Self::ToleratesSlowTier,
        Self::PaysForPriority,
        Self::Human,
        Self::BatchService,
        Self::BatchName,
        Self::RequestService,
        Self::StepFunctions,
        Self::AssistantTurns,
        Self::ToolResults,
        Self::OneTurnTemplate,
        Self::BulkEmbeddings,
        Self::OffHoursRuns,
        Self::MinutePhase,
        Self::HumanDiurnal,
        Self::WaitedLong,
        Self::WaitedShort,
    ];

    /// The name used in the weights file and in output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Declared => "declared",
            Self::Streaming => "streaming",
            Self::NotStreaming => "not_streaming",
            Self::ToleratesSlowTier => "tolerates_slow_tier",
            Self::PaysForPriority => "pays_for_priority",
            Self::Human => "human",
            Self::BatchService => "batch_service",
            Self::BatchName => "batch_name",
            Self::RequestService => "request_service",
            Self::StepFunctions => "step_functions",
            Self::AssistantTurns => "assistant_turns",
            Self::ToolResults => "tool_results",
            Self::OneTurnTemplate => "one_turn_template",
            Self::BulkEmbeddings => "bulk_embeddings",
            Self::OffHoursRuns => "off_hours_runs",
            Self::MinutePhase => "minute_phase",
            Self::HumanDiurnal => "human_diurnal",
            Self::WaitedLong => "waited_long",
            Self::WaitedShort => "waited_short",
        }
    }

    /// The group whose cap it shares.
    pub const fn group(self) -> Group {
        match self {
            Self::Declared | Self::ToleratesSlowTier | Self::PaysForPriority => Group::Declared,
            Self::Streaming
            | Self::NotStreaming
            | Self::AssistantTurns
            | Self::ToolResults
            | Self::OneTurnTemplate
            | Self::BulkEmbeddings => Group::Shape,
            Self::Human | Self::BatchService | Self::BatchName | Self::RequestService | Self::StepFunctions => Group::Identity,
            Self::OffHoursRuns | Self::MinutePhase | Self::HumanDiurnal => Group::Cadence,
            Self::WaitedLong | Self::WaitedShort => Group::Revealed,
        }
    }
}

/// Log-odds in nats by signal, caps by group, and how far evidence of each kind may carry.
#[derive(Clone, Debug)]
pub struct Weights {
    /// Share of cost believed tolerant before any evidence.
    pub prior: f64,
    /// Weight by signal; positive means it can wait.
    pub signal: [f64; SignalId::ALL.len()],
    /// Cap by group, in nats.
    pub cap: [f64; Group::ALL.len()],
    /// Lowest and highest score, in thousandths, that a bill alone allows.
    pub ceiling_bill: (u16, u16),
    /// The same for logs without bodies.
    pub ceiling_logs: (u16, u16),
    /// The same for logs with bodies.
    pub ceiling_bodies: (u16, u16),
    /// The same where the caller declared it or the owner confirmed it.
    pub ceiling_declared: (u16, u16),
    /// Lowest score of a streamed slice known from a bill alone.
    pub ceiling_bill_streaming_min: u16,
    /// Scores from here on are batch-fit.
    pub fit_min: u16,
    /// Scores from here on enter the floor.
    pub floor_min: u16,
    /// Of what moving to batch saves, thousandths that stay out of the floor.
    pub late_share: u16,
    /// Scores up to here stay.
    pub stay_max: u16,
    /// Requests below which a verdict is undetermined.
    pub requests_min: u64,
    /// Active days below which a verdict is undetermined.
    pub days_min: u32,
    /// Requests at which the evidence counts half.
    pub half_requests: f64,
    /// Active days at which the evidence counts half.
    pub half_days: f64,
    /// Smallest share of cost, in thousandths, that a slice of a hybrid must have.
    pub hybrid_min: u16,
}

impl Weights {
    /// The weight of a signal.
    pub const fn of(&self, id: SignalId) -> f64 {
        self.signal[id as usize]
    }

    /// The cap of a group.
    pub const fn cap_of(&self, group: Group) -> f64 {
        self.cap[group as usize]
    }
}
