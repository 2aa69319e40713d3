//! `[[upstream]]`: Bedrock in one account and region, or a server that speaks OpenAI's API, of which `bedrock-mantle` is one; Claude is
//! called by Anthropic's there.

use laneshift_catalog::usd_per_million;
use laneshift_core::price::Rates;
use laneshift_units::{Rate, TokenClass};
use serde::Deserialize;

/// Where calls go.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Wire")]
pub enum Upstream {
    /// Bedrock Runtime.
    Bedrock(Bedrock),
    /// A server that speaks OpenAI's API.
    Server(Server),
}

/// A Bedrock in one account and one region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bedrock {
    /// The region.
    pub region: String,
    /// Another endpoint than AWS's, without a path.
    pub endpoint_url: Option<String>,
    /// Another endpoint of STS; `endpoint_url`, or else AWS's, when left out.
    pub sts_endpoint_url: Option<String>,
    /// The account's number, for the ledger, quotas and roles.
    pub account: String,
    /// Where its keys are.
    pub keys: AwsKeys,
}

/// The environment variables that hold AWS's keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwsKeys {
    /// The access key id.
    pub access_key_id_env: String,
    /// The secret access key.
    pub secret_access_key_env: String,
    /// The session token of temporary keys.
    pub session_token_env: String,
}

/// A server that speaks OpenAI's API: chat completions and embeddings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// What the ledger and every explanation call it.
    pub name: String,
    /// Its address, with the path before `/chat/completions`.
    pub endpoint_url: String,
    /// The environment variable that holds its key, where it wants one.
    pub api_key_env: Option<String>,
    /// Seconds that its answers take; those of Bedrock's standard tier when left out.
    pub wait_s: Option<u64>,
    /// What AWS knows it as, where it is Bedrock's second endpoint.
    pub mantle: Option<Mantle>,
    /// What it serves.
    pub models: Vec<Model>,
}

/// `bedrock-mantle` in an account and a region. Without a key of its own its calls are signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mantle {
    /// Its account and region, the keys, and where roles are assumed.
    pub at: Bedrock,
    /// The service that signatures name.
    pub signing_name: String,
}

/// A model of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Model {
    /// What clients call it.
    pub name: String,
    /// What the server calls it.
    pub model: String,
    /// What its tokens cost; a class without a rate is unknown. Without any, those of `bedrock-mantle` are the catalogue's.
    pub rates: Rates,
}

/// The word for each kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    #[default]
    Bedrock,
    Openai,
    BedrockMantle,
}

/// As it is written. Which fields go with which kind is told when it is taken apart.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    #[serde(default)]
    kind: Kind,
    name: Option<String>,
    region: Option<String>,
    endpoint_url: Option<String>,
    sts_endpoint_url: Option<String>,
    account: Option<String>,
    access_key_id_env: Option<String>,
    secret_access_key_env: Option<String>,
    session_token_env: Option<String>,
    api_key_env: Option<String>,
    signing_name: Option<String>,
    wait_s: Option<u64>,
    #[serde(default)]
    model: Vec<WireModel>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WireModel {
    name: String,
    model: Option<String>,
    #[serde(default, deserialize_with = "usd_per_million")]
    usd_per_million_input: Option<Rate>,
    #[serde(default, deserialize_with = "usd_per_million")]
    usd_per_million_output: Option<Rate>,
    #[serde(default, deserialize_with = "usd_per_million")]
    usd_per_million_cache_read: Option<Rate>,
    #[serde(default, deserialize_with = "usd_per_million")]
    usd_per_million_cache_write: Option<Rate>,
    #[serde(default)]
    free: bool,
}

impl Upstream {
    /// Bedrock in a region, with keys from where AWS's tools look for them.
    pub fn of(region: &str, endpoint_url: Option<String>) -> Self {
        let keys = AwsKeys::of(None, None, None);
        Self::Bedrock(Bedrock { region: region.to_owned(), endpoint_url, sts_endpoint_url: None, account: String::new(), keys })
    }

    /// Bedrock, where it is one.
    pub const fn bedrock(&self) -> Option<&Bedrock> {
        match self {
            Self::Bedrock(bedrock) => Some(bedrock),
            Self::Server(_) => None,
        }
    }

    /// The server, where it is one.
    pub const fn server(&self) -> Option<&Server> {
        match self {
            Self::Bedrock(_) => None,
            Self::Server(server) => Some(server),
        }
    }
}

impl AwsKeys {
    fn of(id: Option<String>, secret: Option<String>, token: Option<String>) -> Self {
        Self {
            access_key_id_env: id.unwrap_or_else(|| "AWS_ACCESS_KEY_ID".to_owned()),
            secret_access_key_env: secret.unwrap_or_else(|| "AWS_SECRET_ACCESS_KEY".to_owned()),
            session_token_env: token.unwrap_or_else(|| "AWS_SESSION_TOKEN".to_owned()),
        }
    }
}

impl TryFrom<Wire> for Upstream {
    type Error = String;

    fn try_from(mut wire: Wire) -> Result<Self, String> {
        let of_servers = [
            ("name", wire.name.is_some()),
            ("api_key_env", wire.api_key_env.is_some()),
            ("wait_s", wire.wait_s.is_some()),
            ("model", !wire.model.is_empty()),
        ];
        let of_signatures = [
            ("sts_endpoint_url", wire.sts_endpoint_url.is_some()),
            ("access_key_id_env", wire.access_key_id_env.is_some()),
            ("secret_access_key_env", wire.secret_access_key_env.is_some()),
            ("session_token_env", wire.session_token_env.is_some()),
        ];
        let signing_name = ("signing_name", wire.signing_name.is_some());
        let of_aws = [("region", wire.region.is_some()), ("account", wire.account.is_some())];
        let (strange, kind): (Vec<_>, _) = match wire.kind {
            Kind::Bedrock => (of_servers.into_iter().chain([signing_name]).collect(), "of kind \"bedrock\""),
            Kind::Openai => (of_aws.into_iter().chain(of_signatures).chain([signing_name]).collect(), "of kind \"openai\""),
            Kind::BedrockMantle if wire.api_key_env.is_some() => {
                (of_signatures.into_iter().chain([signing_name]).collect(), "with an api_key_env")
            }
            Kind::BedrockMantle => (Vec::new(), ""),
        };
        if let Some((field, _)) = strange.into_iter().find(|(_, there)| *there) {
            return Err(format!("upstream.{field} is not for an upstream {kind}: remove it"));
        }
        match wire.kind {
            Kind::Bedrock => {
                let endpoint_url = wire.endpoint_url.take();
                wire.of_aws(endpoint_url).map(Self::Bedrock)
            }
            Kind::Openai => wire.server(None).map(Self::Server),
            Kind::BedrockMantle => wire.mantle().map(Self::Server),
        }
    }
}

impl Wire {
    /// What AWS's own upstreams have.
    fn of_aws(&mut self, endpoint_url: Option<String>) -> Result<Bedrock, String> {
        let region = self.region.take().ok_or("upstream.region is missing: write a region such as us-east-1")?;
        if region.is_empty() {
            return Err("upstream.region is empty: write a region such as us-east-1".to_owned());
        }
        let sts_endpoint_url = self.sts_endpoint_url.take();
        for (name, url) in [("endpoint_url", &endpoint_url), ("sts_endpoint_url", &sts_endpoint_url)] {
            if url.as_deref().is_some_and(|url| path_of(url) != Some("/")) {
                return Err(format!("upstream.{name}: write http:// or https://, a host and a port, and no path"));
            }
        }
        let keys = AwsKeys::of(self.access_key_id_env.take(), self.secret_access_key_env.take(), self.session_token_env.take());
        Ok(Bedrock { region, endpoint_url, sts_endpoint_url, account: self.account.take().unwrap_or_default(), keys })
    }

    /// A server whose address and name AWS gives, where they are not stated.
    // AWS, Bedrock User Guide, "Endpoints", read 2026-11-23; LiteLLM 1.110 has some models below /openai/v1 instead. What signatures
    // name is not documented: bedrock-mantle is what the clients of OpenAI and Anthropic say, bedrock what LiteLLM says. Read 2026-11-30.
    fn mantle(mut self) -> Result<Server, String> {
        let at = self.of_aws(None)?;
        self.name.get_or_insert_with(|| format!("bedrock-mantle.{}", at.region));
        self.endpoint_url.get_or_insert_with(|| format!("https://bedrock-mantle.{}.api.aws/v1", at.region));
        let signing_name = self.signing_name.take().unwrap_or_else(|| "bedrock-mantle".to_owned());
        self.server(Some(Mantle { at, signing_name }))
    }

    fn server(self, mantle: Option<Mantle>) -> Result<Server, String> {
        let name = self.name.unwrap_or_default();
        if !name.starts_with(|c: char| c.is_ascii_alphanumeric())
            || !name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c))
        {
            return Err("upstream.name: give the server a name of letters, digits, -, _ and .".to_owned());
        }
        let endpoint_url = self.endpoint_url.filter(|url| path_of(url).is_some()).ok_or_else(|| {
            let such = "such as http://127.0.0.1:8000/v1, and no key in it";
            format!("upstream.endpoint_url of {name}: write its address with the path before /chat/completions, {such}")
        })?;
        if self.model.is_empty() {
            return Err(format!("{name} serves nothing: add an [[upstream.model]]"));
        }
        let models = self.model.into_iter().map(Model::try_from).collect::<Result<_, _>>()?;
        Ok(Server { name, endpoint_url, api_key_env: self.api_key_env, wait_s: self.wait_s, mantle, models })
    }
}

/// The path of a web address with a host and nothing beside it.
fn path_of(url: &str) -> Option<&str> {
    let uri: http::Uri = url.parse().ok()?;
    let plain = matches!(uri.scheme_str(), Some("http" | "https"))
        && uri.query().is_none()
        && !url.contains('#')
        && uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    let begin = url.find("://")? + 3;
    plain.then(|| url[begin..].find('/').map_or("/", |slash| &url[begin + slash..]))
}

impl TryFrom<WireModel> for Model {
    type Error = String;

    fn try_from(wire: WireModel) -> Result<Self, String> {
        let WireModel { name, model, free, .. } = wire;
        if name.is_empty() || model.as_deref() == Some("") {
            return Err("upstream.model: name and model are not empty".to_owned());
        }
        let (input, output) = (wire.usd_per_million_input, wire.usd_per_million_output);
        let (cache_read, cache_write) = (wire.usd_per_million_cache_read, wire.usd_per_million_cache_write);
        let mut rates = Rates::default();
        match (free, input, output, cache_read, cache_write) {
            (true, None, None, None, None) => {
                TokenClass::ALL.into_iter().for_each(|class| rates.set(class, Rate::from_pico_per_token(0)))
            }
            (true, ..) => return Err(format!("upstream.model {name:?} is free and has prices: remove one of them")),
            (false, None, None, None, None) => {}
            (false, Some(input), None, None, None) => rates.set(TokenClass::Input, input),
            (false, Some(input), Some(output), Some(cache_read), cache_write) => {
                rates.set(TokenClass::Input, input);
                rates.set(TokenClass::Output, output);
                rates.set(TokenClass::CacheRead, cache_read);
                if let Some(cache_write) = cache_write {
                    rates.set(TokenClass::CacheWrite5m, cache_write);
                    rates.set(TokenClass::CacheWrite1h, cache_write);
                }
            }
            (false, ..) => {
                return Err(format!(
                    "upstream.model {name:?} has some prices and lacks others: write usd_per_million_input, \
                     usd_per_million_output and usd_per_million_cache_read (the price of input where reads from a cache cost as \
                     much), usd_per_million_cache_write beside them where the server counts writes, for embeddings the first \
                     alone, or none when they are not known"
                ));
            }
        }
        let model = model.unwrap_or_else(|| name.clone());
        Ok(Self { name, model, rates })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    struct File {
        upstream: [Upstream; 1],
    }

    /// As it stands in a file, whose lines errors name.
    fn read(text: &str) -> Result<Upstream, String> {
        let text = format!("[[upstream]]\n{}", text.replace("[[model]]", "[[upstream.model]]"));
        toml::from_str::<File>(&text).map(|File { upstream: [upstream] }| upstream).map_err(|e| e.to_string())
    }

    const SERVER: &str = "kind = \"openai\"\nname = \"vllm\"\nendpoint_url = \"http://h:8000/v1\"\n[[model]]\nname = \"llama\"\n";

    const MANTLE: &str = "kind = \"bedrock-mantle\"\nregion = \"us-west-2\"\n[[model]]\nname = \"openai.gpt-oss-20b\"\n";

    #[test]
    fn mantle_is_a_server_that_aws_names_unless_something_else_is_stated() {
        let server = |text: &str| match read(text).expect("in order") {
            Upstream::Server(server) => server,
            Upstream::Bedrock(_) => unreachable!("it is a server"),
        };
        let own = server(MANTLE);
        let mantle = own.mantle.expect("AWS's");
        assert_eq!((&*own.name, &*own.endpoint_url), ("bedrock-mantle.us-west-2", "https://bedrock-mantle.us-west-2.api.aws/v1"));
        assert_eq!((&*mantle.signing_name, &*mantle.at.keys.access_key_id_env), ("bedrock-mantle", "AWS_ACCESS_KEY_ID"));
        let more = "name = \"m\"\nsigning_name = \"bedrock\"\nendpoint_url = \"http://h/openai/v1\"\naccount = \"1\"\n[[model]]";
        let stated = server(&MANTLE.replace("[[model]]", more));
        let mantle = stated.mantle.expect("AWS's");
        assert_eq!((&*stated.name, &*stated.endpoint_url), ("m", "http://h/openai/v1"));
        assert_eq!((&*mantle.signing_name, &*mantle.at.account, mantle.at.endpoint_url), ("bedrock", "1", None));
        assert_eq!(server(SERVER).mantle, None);
    }

    #[test]
    fn prices_are_stated_or_unknown_and_never_nothing_by_themselves() {
        let rates = |more: &str| {
            let read = read(&format!("{SERVER}{more}")).expect("in order");
            read.server().expect("a server").models[0].rates
        };
        assert!(rates("").is_empty());
        assert_eq!(rates("free = true").get(TokenClass::CacheWrite5m), Some(Rate::from_pico_per_token(0)));
        let stated = "usd_per_million_input = 0.9\nusd_per_million_output = \"1.2\"\nusd_per_million_cache_read = 0.45";
        assert_eq!(rates(stated).get(TokenClass::Output), Some(Rate::from_pico_per_token(1_200_000)));
        assert_eq!(rates(stated).get(TokenClass::CacheWrite5m), None);
        let written = rates(&format!("{stated}\nusd_per_million_cache_write = 1.125"));
        assert_eq!(written.get(TokenClass::CacheWrite5m), Some(Rate::from_pico_per_token(1_125_000)));
        assert_eq!(rates("usd_per_million_input = 1").get(TokenClass::Output), None);
    }

    #[test]
    fn what_does_not_fit_its_kind_is_named() {
        for (text, words) in [
            ("kind = \"bedrock\"\nregion = \"r\"\napi_key_env = \"K\"".to_owned(), "api_key_env is not for"),
            ("kind = \"azure\"".to_owned(), "kind"),
            ("region = \"r\"\nendpoint_url = \"http://h/path\"".to_owned(), "no path"),
            (SERVER.replace("name = \"vllm\"", "name = \"a b\""), "upstream.name"),
            (SERVER.replace("name = \"vllm\"", "region = \"r\""), "upstream.region is not for"),
            (SERVER.replace("name = \"vllm\"", "sts_endpoint_url = \"http://h\""), "upstream.sts_endpoint_url is not for"),
            (SERVER.replace("name = \"vllm\"", "name = \"vllm\"\nsigning_name = \"x\""), "upstream.signing_name is not for"),
            (MANTLE.replace("region = \"us-west-2\"", ""), "region is missing"),
            (MANTLE.replace("[[model]]", "signing_name = \"x\"\napi_key_env = \"K\"\n[[model]]"), "with an api_key_env"),
            (MANTLE.replace("[[model]]", "endpoint_url = \"ftp://h\"\n[[model]]"), "endpoint_url of bedrock-mantle.us-west-2"),
            (SERVER.replace("http://h:8000/v1", "http://user:key@h/v1"), "no key in it"),
            (SERVER.replace("http://h:8000/v1", "ftp://h/v1"), "endpoint_url of vllm"),
            (SERVER.replace("http://h:8000/v1", "http://h/v1?key=x"), "endpoint_url of vllm"),
            (SERVER.split("[[model]]").next().expect("text").to_owned(), "serves nothing"),
            (format!("{SERVER}free = true\nusd_per_million_input = 1"), "free and has prices"),
            (format!("{SERVER}usd_per_million_input = 1\nusd_per_million_output = 1"), "lacks others"),
            (format!("{SERVER}usd_per_million_cache_write = 1"), "lacks others"),
            (format!("{SERVER}usd_per_million_input = -1"), "usd_per_million_input"),
            (format!("{SERVER}usd_per_million_input = 0.0000001"), "finer"),
        ] {
            let why = read(&text).expect_err(&text);
            assert!(why.contains(words) && why.contains("line"), "{text}: {why}");
        }
    }
}
