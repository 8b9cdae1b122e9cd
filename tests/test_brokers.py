"""The brokers that tests run on."""

import asyncio
import uuid

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic


async def test_carries_a_message(kafka):
    """Each broker takes a topic and a message and gives the message back."""
    topic = f"carries-a-message-{uuid.uuid4().hex}"
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 2, 1)])
    await admin.close()
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        await producer.send_and_wait(topic, b"value", key=b"key", partition=1)
    async with AIOKafkaConsumer(bootstrap_servers=kafka) as consumer:
        consumer.assign([TopicPartition(topic, 1)])
        await consumer.seek_to_beginning()
        message = await asyncio.wait_for(consumer.getone(), 10)
    assert (message.key, message.value, message.offset) == (b"key", b"value", 0)
