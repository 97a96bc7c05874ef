//! GossipSub as we use it: anonymous, validated by us, ids by content, topics of communities only.

use std::time::Duration;

use folkmoot_schemas::{
    Cid,
    announce::{Announce, topic},
    block::{RAW, cid_of, parse_cid},
    limits,
};
use libp2p::{
    PeerId,
    gossipsub::{
        Behaviour, ConfigBuilder, IdentTopic, IdentityTransform, MaxCountSubscriptionFilter, Message,
        MessageAcceptance, MessageAuthenticity, MessageId, TopicHash, TopicSubscriptionFilter, ValidationMode,
    },
};

use super::{NetError, Verdict};

/// What the protobuf around an announcement may add.
const ENVELOPE: usize = 512;

/// Topics are `folkmoot/1/<cid>`; whatever else a peer subscribes to is not kept.
#[derive(Debug, Clone, Default)]
pub(super) struct CommunityTopics;

impl TopicSubscriptionFilter for CommunityTopics {
    fn can_subscribe(&mut self, topic: &TopicHash) -> bool {
        community_of(topic).is_some()
    }
}

pub(super) type Gossip = Behaviour<IdentityTransform, MaxCountSubscriptionFilter<CommunityTopics>>;

/// Names a gossip message until its verdict, with the peer that forwarded it.
#[derive(Debug, Clone)]
pub struct GossipId {
    pub(super) message: MessageId,
    pub(super) source: PeerId,
}

impl From<Verdict> for MessageAcceptance {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Accept => Self::Accept,
            Verdict::Ignore => Self::Ignore,
            Verdict::Reject => Self::Reject,
        }
    }
}

pub(super) fn behaviour() -> Result<Gossip, NetError> {
    let config = ConfigBuilder::default()
        // Authorship is inside the blocks; a signature or sequence number of the peer would only tell who asked whom.
        .validation_mode(ValidationMode::Anonymous)
        .validate_messages()
        .message_id_fn(message_id)
        .max_transmit_size(limits::ANNOUNCE + ENVELOPE)
        .heartbeat_interval(Duration::from_secs(1))
        .duplicate_cache_time(Duration::from_secs(120))
        .build()
        .map_err(|error| NetError::Start(error.to_string()))?;
    // The library's own default would drop the whole greeting of a peer in more than 100 topics.
    let filter = MaxCountSubscriptionFilter {
        filter: CommunityTopics,
        max_subscribed_topics: limits::GOSSIP_TOPICS,
        max_subscriptions_per_request: limits::GOSSIP_TOPICS,
    };
    Behaviour::new_with_subscription_filter(MessageAuthenticity::Anonymous, config, filter)
        .map_err(|why| NetError::Start(why.to_owned()))
}

/// Equal news, equal id, whoever announces it. What does not decode is named by its bytes: it is rejected once.
fn message_id(message: &Message) -> MessageId {
    match Announce::decode(&message.data) {
        Ok(announce) => MessageId::new(&announce.message_id()),
        Err(_) => MessageId::new(cid_of(RAW, &message.data).hash().digest()),
    }
}

pub(super) fn topic_of(community: &Cid) -> IdentTopic {
    IdentTopic::new(topic(community))
}

pub(super) fn community_of(topic: &TopicHash) -> Option<Cid> {
    parse_cid(topic.as_str().strip_prefix("folkmoot/1/")?).ok()
}
